//! From the text of an expression to a program that is known to fit the vocabulary.
//!
//! Invariant: what is wrong is told with its place in the text, in words that do not need the grammar of the language.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr};
use cel::{Env, Program};

use super::check::Checker;
use crate::config::kind::Subject;

/// The longest text of an expression, in bytes.
pub const LONGEST: usize = 2000;
/// How deep an expression may nest.
const DEEPEST: usize = 120;
/// The function that counts the steps of a loop; its name cannot be written.
pub(super) const STEPS: &str = "@steps";

/// The standard library, made once: making it costs as much as thousands of evaluations.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// Something wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the text that it is about.
    pub range: Range<usize>,
    /// A sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What an expression has to result in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// true or false.
    Truth,
    /// Something that can stand in a message.
    Text,
}

/// An expression that fits the vocabulary.
#[derive(Debug, Clone)]
pub struct Expression {
    pub(super) tree: Arc<IdedExpr>,
    /// As it is written.
    pub text: Arc<str>,
    /// The words that it uses, such as `computer.name`; a record that is used as a whole stands alone.
    pub uses: BTreeSet<String>,
}

/// Reads an expression of a rule about `subject`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile(text: &str, subject: Subject, wanted: Wanted) -> Result<Expression, Vec<Problem>> {
    let whole = |message: &str, help: &str| {
        Err(vec![Problem { range: 0..text.len(), message: message.to_owned(), help: Some(help.to_owned()) }])
    };
    if text.trim().is_empty() {
        return whole("the expression is empty", "write a condition, such as change.removes");
    }
    if text.len() > LONGEST {
        let message = format!("the expression has {} bytes; up to {LONGEST} are read", text.len());
        return whole(&message, "split it into several guardrails");
    }
    if too_deep(text) {
        return whole("the expression nests too deep", "split it into several guardrails");
    }
    let program = match ENVIRONMENT.compile(text) {
        Ok(program) => program,
        Err(errors) => return Err(vec![syntax(text, &errors)]),
    };
    if depth(program.expression()) > DEEPEST {
        return whole("the expression nests too deep", "split it into several guardrails");
    }
    let mut checker = Checker::new(text, &program, subject);
    checker.whole(wanted);
    let (problems, uses) = checker.done();
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut tree = program.expression().clone();
    count_steps(&mut tree);
    Ok(Expression { tree: Arc::new(tree), text: Arc::from(text.trim()), uses })
}

/// Whether brackets or operators before a value nest deeper than is read. The parser goes as deep as the text.
fn too_deep(text: &str) -> bool {
    let (mut open, mut before) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' | b'?' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'!' | b'-' => before += 1,
            b' ' | b'\n' | b'\t' => {}
            _ => before = 0,
        }
        if open > 40 || before > 20 {
            return true;
        }
    }
    false
}

/// What the parser could not read, in plain words. Its own words are those of its grammar.
fn syntax(text: &str, errors: &cel::ParseErrors) -> Problem {
    let first = errors.errors.iter().min_by_key(|error| error.pos);
    let at = first.map_or(0, |error| offset(text, error.pos));
    let rest = text.get(at..).unwrap_or_default();
    let token = token(rest);
    let mut problem = Problem {
        range: at..at + token.len(),
        message: if token.is_empty() {
            "the expression ends too early".to_owned()
        } else {
            format!("the expression cannot be read at {token:?}")
        },
        help: None,
    };
    let help = match token {
        "=" => Some("write == to compare"),
        "&" | "and" | "AND" => Some("write && for and"),
        "|" | "or" | "OR" => Some("write || for or"),
        "not" | "NOT" => Some("write ! for not"),
        "" => Some("something is missing at the end: a value, a quote or a bracket"),
        _ if text.get(..at).is_some_and(|before| before.trim_end().ends_with("not")) => {
            Some("write ! for not")
        }
        _ if token.starts_with(['\'', '"']) => Some("a text ends with the quote that it begins with"),
        _ => None,
    };
    problem.help = help.map(str::to_owned);
    problem
}

/// The byte at a line (from 1) and column (from 0 or 1, in characters) of the parser.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line.saturating_sub(1)).unwrap_or_default();
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or_default();
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let of_line = text.get(start..).unwrap_or_default();
    start + of_line.char_indices().nth(column).map_or(of_line.len(), |(at, _)| at)
}

/// The word or sign that a text begins with.
fn token(text: &str) -> &str {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut chars = text.char_indices();
    let Some((_, first)) = chars.next() else { return "" };
    let end = match first {
        '\'' | '"' => chars.find(|(_, c)| *c == first).map_or(text.len(), |(at, c)| at + c.len_utf8()),
        _ if is_word(first) => text.find(|c| !is_word(c)).unwrap_or(text.len()),
        _ => first.len_utf8(),
    };
    text.get(..end).unwrap_or(text)
}

/// How deep a tree is. Its own depth does not grow with that of the tree.
fn depth(root: &IdedExpr) -> usize {
    let mut deepest = 0;
    let mut open = vec![(root, 1)];
    while let Some((node, at)) = open.pop() {
        deepest = deepest.max(at);
        if deepest > DEEPEST {
            break;
        }
        open.extend(parts(node).into_iter().map(|part| (part, at + 1)));
    }
    deepest
}

/// The expressions directly below one.
pub(super) fn parts(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(c) => vec![&c.iter_range, &c.accu_init, &c.loop_cond, &c.loop_step, &c.result],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Map(map) => map.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Struct(made) => made.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// Lets every loop say how long its list is before it begins, so that the machine can end it.
fn count_steps(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) => {}
        Expr::Call(call) => {
            call.target.iter_mut().for_each(|target| count_steps(target));
            call.args.iter_mut().for_each(count_steps);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(count_steps),
        Expr::Select(select) => count_steps(&mut select.operand),
        Expr::Comprehension(c) => {
            count_steps(&mut c.iter_range);
            count_steps(&mut c.loop_step);
            let range = std::mem::take(&mut c.iter_range);
            let call = CallExpr { func_name: STEPS.to_owned(), target: None, args: vec![range] };
            c.iter_range = IdedExpr { id: 0, expr: Expr::Call(call) };
        }
    }
}

/// Where a node begins in the text.
pub(super) fn start_of(program: &Program, node: &IdedExpr) -> Option<usize> {
    let (start, _) = program.source_info().offset_for(node.id)?;
    usize::try_from(start).ok()
}
