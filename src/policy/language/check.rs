//! Checks an expression against the vocabulary before anything is evaluated: names, types, and words of closed sets.
//!
//! Invariant: what it lets through cannot fail for want of a name; what it cannot tell the type of, it lets through.

use std::collections::BTreeSet;

use cel::Program;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::compile::{Problem, Wanted, parts, start_of};
use super::types::Type;
use super::vocabulary;
use crate::config::kind::Subject;
use crate::diagnostic::nearest;

/// Functions by name: whether they are called on a value, how many arguments they take, what they give.
const FUNCTIONS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "double",
    "has",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
];

pub(super) struct Checker<'a> {
    text: &'a str,
    program: &'a Program,
    subject: Subject,
    names: Vec<(String, Type)>,
    problems: Vec<Problem>,
    uses: BTreeSet<String>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(text: &'a str, program: &'a Program, subject: Subject) -> Self {
        let names = vocabulary::roots(subject);
        let names = names.into_iter().map(|field| (field.name.to_owned(), field.of.into())).collect();
        Self { text, program, subject, names, problems: Vec::new(), uses: BTreeSet::new() }
    }

    pub(super) fn done(mut self) -> (Vec<Problem>, BTreeSet<String>) {
        self.problems.sort_by_key(|problem| (problem.range.start, problem.range.end));
        self.problems.dedup();
        (self.problems, self.uses)
    }

    pub(super) fn whole(&mut self, wanted: Wanted) {
        let root = self.program.expression();
        let result = self.part(root);
        let fits = match wanted {
            Wanted::Truth => result.is_truth(),
            Wanted::Text => !matches!(result, Type::Record(_) | Type::Map(_)),
        };
        if !fits && self.problems.is_empty() {
            let message = match wanted {
                Wanted::Truth => {
                    format!("the expression gives {}; a condition is true or false", result.what())
                }
                Wanted::Text => format!("{} cannot stand in a message", result.what()),
            };
            self.problems.push(Problem { range: 0..self.text.len(), message, help: None });
        }
    }

    fn tell(&mut self, node: &IdedExpr, word: &str, message: String, help: Option<String>) {
        let start = start_of(self.program, node).unwrap_or_default().min(self.text.len());
        let start = self.text.floor_char_boundary(start);
        let (before, rest) = self.text.split_at(start);
        let range = if word.is_empty() {
            start..start + rest.chars().next().map_or(0, char::len_utf8)
        } else if before.trim_end().ends_with(word) {
            // A call stands where its bracket opens.
            let end = before.trim_end().len();
            end - word.len()..end
        } else {
            match rest.find(word) {
                Some(at) => start + at..start + at + word.len(),
                None => start..start + rest.chars().next().map_or(0, char::len_utf8),
            }
        };
        self.problems.push(Problem { range, message, help });
    }

    fn part(&mut self, node: &IdedExpr) -> Type {
        match &node.expr {
            Expr::Unspecified => Type::Any,
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::Int,
                LiteralValue::Double(_) => Type::Double,
                LiteralValue::String(_) => Type::Text,
                LiteralValue::Null => Type::Null,
                LiteralValue::Bytes(_) => Type::Any,
            },
            Expr::Ident(name) => self.name(node, name, true),
            Expr::Select(select) => {
                let of = match &select.operand.expr {
                    Expr::Ident(name) => self.name(&select.operand, name, false),
                    _ => self.part(&select.operand),
                };
                if let Some(path) = path(&select.operand) {
                    self.uses.insert(format!("{path}.{}", select.field));
                }
                let field = self.field(node, &of, &select.field);
                if select.test { Type::Bool } else { field }
            }
            Expr::List(list) => {
                let mut element = None;
                for item in &list.elements {
                    let of = self.part(item);
                    element = Some(match element {
                        None => of,
                        Some(before) => Type::join(before, of),
                    });
                }
                Type::List(Box::new(element.unwrap_or(Type::Any)))
            }
            Expr::Map(_) => {
                for part in parts(node) {
                    self.part(part);
                }
                Type::Map(Box::new(Type::Any))
            }
            Expr::Struct(made) => {
                self.tell(node, "{", format!("there is no type {}", made.type_name), None);
                Type::Any
            }
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension),
            Expr::Call(call) => self.call(node, call),
        }
    }

    fn name(&mut self, node: &IdedExpr, name: &str, whole: bool) -> Type {
        let found = self.names.iter().rev().find(|(known, _)| known == name).map(|(_, of)| of.clone());
        if let Some(of) = found {
            if whole && matches!(of, Type::Record(_)) {
                self.uses.insert(name.to_owned());
            }
            return of;
        }
        if name.starts_with('@') {
            return Type::Any;
        }
        let elsewhere = vocabulary::subjects_with(name);
        let help = if let Some(subject) = elsewhere.first() {
            format!(
                "a rule about `{}` knows it; this one is about `{}`",
                subject.as_str(),
                self.subject.as_str()
            )
        } else {
            let known =
                self.names.iter().map(|(known, _)| known.as_str()).filter(|known| !known.starts_with('@'));
            match nearest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "a rule about `{}` knows {}",
                    self.subject.as_str(),
                    known.collect::<Vec<_>>().join(", ")
                ),
            }
        };
        self.tell(node, name, format!("there is no `{name}` here"), Some(help));
        Type::Any
    }

    fn field(&mut self, node: &IdedExpr, of: &Type, name: &str) -> Type {
        match of {
            Type::Any => Type::Any,
            Type::Map(of) => (**of).clone(),
            Type::Record(record) => {
                if let Some(field) = record.field(name) {
                    return field.of.into();
                }
                let known = record.fields.iter().map(|field| field.name);
                let help = match nearest(name, known.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("{} has {}", record.name, known.collect::<Vec<_>>().join(", ")),
                };
                self.tell(node, name, format!("{} has no `{name}`", record.name), Some(help));
                Type::Any
            }
            other => {
                self.tell(node, name, format!("{} has no `{name}`", other.what()), None);
                Type::Any
            }
        }
    }

    fn comprehension(&mut self, node: &IdedExpr, c: &ComprehensionExpr) -> Type {
        let element = match self.part(&c.iter_range) {
            Type::List(element) => *element,
            Type::Any => Type::Any,
            other => {
                let message = match other {
                    Type::Map(_) | Type::Record(_) => format!("{} has no order to go through", other.what()),
                    _ => format!("{} is not a list", other.what()),
                };
                self.tell(&c.iter_range, "", message, Some("lists can be gone through".to_owned()));
                Type::Any
            }
        };
        if c.iter_var2.is_some() {
            self.tell(node, "", "loops have one variable here".to_owned(), None);
        }
        let known = self.names.len();
        let begins = match self.part(&c.accu_init) {
            Type::List(_) => Type::List(Box::new(Type::Any)),
            other => other,
        };
        self.names.push((c.iter_var.clone(), element));
        self.names.push((c.accu_var.clone(), begins.clone()));
        self.part(&c.loop_cond);
        let goes_on = self.part(&c.loop_step);
        self.names.push((c.accu_var.clone(), begins.join(goes_on)));
        let result = self.part(&c.result);
        self.names.truncate(known);
        result
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Type {
        let target = call.target.as_deref().map(|target| self.part(target));
        let arguments: Vec<Type> = call.args.iter().map(|argument| self.part(argument)).collect();
        match (call.func_name.as_str(), &target, arguments.as_slice()) {
            (operators::CONDITIONAL, None, [condition, yes, no]) => {
                self.truths(node, "?", std::slice::from_ref(condition));
                yes.clone().join(no.clone())
            }
            (operators::LOGICAL_AND, None, sides) => self.truths(node, "&&", sides),
            (operators::LOGICAL_OR, None, sides) => self.truths(node, "||", sides),
            (operators::LOGICAL_NOT, None, sides) => self.truths(node, "!", sides),
            (operators::NOT_STRICTLY_FALSE, ..) => Type::Bool,
            (operators::EQUALS | operators::NOT_EQUALS, None, [left, right]) => {
                let sign = if call.func_name == operators::EQUALS { "==" } else { "!=" };
                if left.meets(right) {
                    self.known_words(left, call.args.get(1));
                    self.known_words(right, call.args.first());
                } else {
                    let message = format!("{} is never equal to {}", left.what(), right.what());
                    self.tell(node, sign, message, None);
                }
                Type::Bool
            }
            (operators::IN, None, [element, set]) => {
                match set {
                    Type::List(of) if !of.meets(element) => {
                        let message = format!("a list of this kind never holds {}", element.what());
                        self.tell(node, "in", message, None);
                    }
                    Type::List(of) => {
                        self.known_words(of, call.args.first());
                        if let Some(Expr::List(list)) = call.args.get(1).map(|set| &set.expr) {
                            list.elements.iter().for_each(|item| self.known_words(element, Some(item)));
                        }
                    }
                    Type::Map(_) | Type::Any => {}
                    other => {
                        let message = format!("{} is not a list", other.what());
                        let help = other.is_text().then(|| "write text.contains('part')".to_owned());
                        self.tell(node, "in", message, help);
                    }
                }
                Type::Bool
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                None,
                [left, right],
            ) => {
                let fits = (left.is_number() && right.is_number()) || (left.is_text() && right.is_text());
                if !fits {
                    let message = format!("{} cannot be compared with {}", left.what(), right.what());
                    self.tell(node, "", message, None);
                }
                Type::Bool
            }
            (operators::ADD, None, [left, right]) => match (left, right) {
                (Type::List(a), Type::List(b)) => {
                    Type::List(Box::new(a.as_ref().clone().join(b.as_ref().clone())))
                }
                (Type::Any, _) | (_, Type::Any) => Type::Any,
                _ if left.is_text() && right.is_text() => Type::Text,
                _ if left.is_number() && right.is_number() => left.clone().join(right.clone()),
                _ => {
                    let message = format!("{} cannot be added to {}", right.what(), left.what());
                    let help = (left.is_text() || right.is_text())
                        .then(|| "write string(…) around the number".to_owned());
                    self.tell(node, "+", message, help);
                    Type::Any
                }
            },
            (
                operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | operators::NEGATE,
                None,
                sides,
            ) => {
                if let Some(other) = sides.iter().find(|side| !side.is_number()) {
                    self.tell(node, "", format!("{} is not a number", other.what()), None);
                    return Type::Any;
                }
                let mut sides = sides.iter().cloned();
                let first = sides.next().unwrap_or(Type::Any);
                sides.fold(first, Type::join)
            }
            (operators::INDEX, None, [of, key]) => match of {
                Type::List(of) if key.is_number() => (**of).clone(),
                Type::Map(of) if key.is_text() => (**of).clone(),
                Type::Any => Type::Any,
                Type::Record(_) => match call.args.get(1).and_then(literal) {
                    Some(name) => {
                        if let Some(path) = call.args.first().and_then(path) {
                            self.uses.insert(format!("{path}.{name}"));
                        }
                        self.field(node, of, &name)
                    }
                    None => Type::Any,
                },
                other => {
                    let message = format!("{} cannot be asked for {}", other.what(), key.what());
                    self.tell(node, "[", message, None);
                    Type::Any
                }
            },
            ("size", None, [of]) | ("size", Some(of), []) => {
                if !(of.is_text() || of.is_any() || matches!(of, Type::List(_) | Type::Map(_))) {
                    self.tell(node, "size", format!("{} has no size", of.what()), None);
                }
                Type::Int
            }
            ("contains" | "startsWith" | "endsWith", Some(of), [part]) => {
                if !of.is_text() || !part.is_text() {
                    let message = format!("`{}` is for texts", call.func_name);
                    let help = matches!(of, Type::List(_)).then(|| "write 'element' in list".to_owned());
                    self.tell(node, &call.func_name, message, help);
                }
                Type::Bool
            }
            ("matches", Some(of), [_]) => self.pattern(node, of, call.args.first()),
            ("matches", None, [of, _]) => self.pattern(node, &of.clone(), call.args.get(1)),
            ("string", None, [of]) => {
                if matches!(of, Type::List(_) | Type::Map(_) | Type::Record(_)) {
                    self.tell(node, "string", format!("{} has no text", of.what()), None);
                }
                Type::Text
            }
            ("int", None, [_]) => Type::Int,
            ("double", None, [_]) => Type::Double,
            (name, ..) => {
                let (message, help) = if FUNCTIONS.contains(&name) {
                    (format!("`{name}` is not called like this"), Some(usage(name)))
                } else {
                    let near = nearest(name, FUNCTIONS.iter().copied());
                    let known = || format!("there are {}", FUNCTIONS.join(", "));
                    let help = near.map_or_else(known, |near| format!("did you mean `{near}`?"));
                    (format!("there is no function `{name}`"), Some(help))
                };
                self.tell(node, name, message, help);
                Type::Any
            }
        }
    }

    fn truths(&mut self, node: &IdedExpr, sign: &str, sides: &[Type]) -> Type {
        if let Some(other) = sides.iter().find(|side| !side.is_truth()) {
            let message = format!("{} is neither true nor false", other.what());
            self.tell(node, sign, message, None);
        }
        Type::Bool
    }

    /// A text that is written out and compared with a closed set is one of it.
    fn known_words(&mut self, of: &Type, written: Option<&IdedExpr>) {
        let (Type::Word(words), Some(node)) = (of, written) else { return };
        let Some(text) = literal(node) else { return };
        if words.contains(&text.as_str()) {
            return;
        }
        let known: Vec<&str> = words.iter().filter(|word| !word.is_empty()).copied().collect();
        let help = match nearest(&text, known.iter().copied()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("it is one of {}", known.join(", ")),
        };
        self.tell(node, &text, format!("it is never '{text}'"), Some(help));
    }

    /// A pattern is written out, so that it can be checked here and cannot be huge.
    fn pattern(&mut self, node: &IdedExpr, of: &Type, pattern: Option<&IdedExpr>) -> Type {
        const LARGEST: usize = 256 * 1024;
        if !of.is_text() {
            self.tell(node, "matches", "`matches` is for texts".to_owned(), None);
        }
        match pattern.and_then(literal) {
            None => self.tell(node, "matches", "the pattern has to be written out".to_owned(), None),
            Some(text) => {
                let built = regex::RegexBuilder::new(&text).size_limit(LARGEST).build();
                if let Err(error) = built {
                    let why = match error {
                        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                        other => other.to_string().lines().last().unwrap_or_default().trim().to_owned(),
                    };
                    self.tell(node, "matches", format!("the pattern cannot be used: {why}"), None);
                }
            }
        }
        Type::Bool
    }
}

/// `a.b` of names and fields.
fn path(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => path(&select.operand).map(|before| format!("{before}.{}", select.field)),
        _ => None,
    }
}

fn literal(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

fn usage(name: &str) -> String {
    match name {
        "size" => "write size(list)".to_owned(),
        "contains" | "startsWith" | "endsWith" | "matches" => format!("write text.{name}('…')"),
        "has" => "write has(map.key)".to_owned(),
        "all" | "exists" | "exists_one" | "map" | "filter" => format!("write list.{name}(element, …)"),
        _ => format!("write {name}(value)"),
    }
}
