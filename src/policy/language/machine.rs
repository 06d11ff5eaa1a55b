//! Evaluates expressions over facts, each within a bounded number of steps.
//!
//! Invariant: one environment serves all evaluations; what an evaluation costs does not grow with the library.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::objects::{Key, Map};
use cel::{Context, ExecutionError, Value as Cel};
use serde_json::Value;

use super::compile::{ENVIRONMENT, Expression, STEPS};

/// How many elements of lists the loops of one evaluation may look at.
pub const MOST_STEPS: u64 = 50_000;

/// Why an expression has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// Its loops go over too much.
    #[error("its loops look at more than {MOST_STEPS} elements")]
    TooLong,
    /// It gave something other than true or false.
    #[error("it gives {0} in place of true or false")]
    NotTruth(&'static str),
    /// Something in it cannot be worked out.
    #[error("{0}")]
    Failed(String),
}

/// A value that expressions can use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fact(Cel);

impl Fact {
    /// A value as the language has it.
    #[must_use]
    pub fn new(value: &Value) -> Self {
        Self(cel(value))
    }
}

/// Something that evaluates. What is common to all evaluations is given once.
pub struct Machine {
    common: Context<'static, 'static>,
    steps: Arc<AtomicU64>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

impl Machine {
    /// A machine that knows these facts by the names of their roots.
    #[must_use]
    pub fn new(common: &[(&str, Fact)]) -> Self {
        let steps = Arc::new(AtomicU64::new(0));
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        let counter = Arc::clone(&steps);
        let count = move |list: Cel| -> Result<Cel, ExecutionError> {
            let length = match &list {
                Cel::List(list) => list.len(),
                Cel::Map(map) => map.map.len(),
                _ => 1,
            };
            let length = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
            // Nobody else uses the counter at the same time; an evaluation begins by setting it back.
            let so_far = counter.fetch_add(length.min(MOST_STEPS + 1), Ordering::Relaxed);
            if so_far.saturating_add(length) > MOST_STEPS {
                return Err(ExecutionError::function_error(STEPS, "too long"));
            }
            Ok(list)
        };
        // The name cannot be one of the library's, which is the only thing that can be wrong here.
        _ = context.add_function(STEPS, count);
        for (name, fact) in common {
            context.add_variable_from_value(*name, fact.0.clone());
        }
        Self { common: context, steps }
    }

    /// Whether it is true of these facts.
    ///
    /// # Errors
    /// [`EvaluationError`] when it has no answer.
    pub fn truth(&self, expression: &Expression, facts: &[(&str, Fact)]) -> Result<bool, EvaluationError> {
        match self.run(expression, facts)? {
            Cel::Bool(truth) => Ok(truth),
            other => Err(EvaluationError::NotTruth(what(&other))),
        }
    }

    /// What it says, for a message.
    ///
    /// # Errors
    /// [`EvaluationError`] when it has no answer.
    pub fn text(&self, expression: &Expression, facts: &[(&str, Fact)]) -> Result<String, EvaluationError> {
        self.run(expression, facts).map(|value| words(&value))
    }

    fn run(&self, expression: &Expression, facts: &[(&str, Fact)]) -> Result<Cel, EvaluationError> {
        self.steps.store(0, Ordering::Relaxed);
        let mut context = self.common.new_inner_scope();
        for (name, fact) in facts {
            context.add_variable_from_value(*name, fact.0.clone());
        }
        let result = Cel::resolve(&expression.tree, &context);
        // The language lets `||` and `&&` pass over an error beside them; a loop that was cut off has no answer anyway.
        if self.steps.load(Ordering::Relaxed) > MOST_STEPS {
            return Err(EvaluationError::TooLong);
        }
        result.map_err(|error| EvaluationError::Failed(plain(&error)))
    }
}

fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cel::Int(whole),
            None => number.as_f64().map_or(Cel::Null, Cel::Float),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => Cel::List(Arc::new(items.iter().map(cel).collect())),
        Value::Object(fields) => {
            let map: HashMap<Key, Cel> =
                fields.iter().map(|(key, value)| (Key::String(Arc::new(key.clone())), cel(value))).collect();
            Cel::Map(Map { map: Arc::new(map) })
        }
    }
}

fn words(value: &Cel) -> String {
    match value {
        Cel::String(text) => text.to_string(),
        Cel::Int(number) => number.to_string(),
        Cel::UInt(number) => number.to_string(),
        Cel::Float(number) => number.to_string(),
        Cel::Bool(truth) => truth.to_string(),
        Cel::List(items) => {
            const SHOWN: usize = 10;
            let mut shown: Vec<String> = items.iter().take(SHOWN).map(words).collect();
            if items.len() > SHOWN {
                shown.push(format!("{} more", items.len() - SHOWN));
            }
            shown.join(", ")
        }
        other => format!("({})", what(other)),
    }
}

fn what(value: &Cel) -> &'static str {
    match value {
        Cel::String(_) => "a text",
        Cel::Int(_) | Cel::UInt(_) | Cel::Float(_) => "a number",
        Cel::Bool(_) => "true or false",
        Cel::List(_) => "a list",
        Cel::Map(_) => "a mapping",
        Cel::Null => "nothing",
        _ => "another kind of value",
    }
}

/// An error of the language without its values, which may be long.
fn plain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no key {key:?}"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number becomes too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "a list has fewer elements than it asks for".to_owned(),
        ExecutionError::FunctionError { function, message } => format!("{function}: {message}"),
        ExecutionError::NoSuchOverload(error) => error.to_string(),
        _ => "its values do not fit together".to_owned(),
    }
}
