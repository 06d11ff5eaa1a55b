//! Conditions over the members of a record: Control's filters and Automate's conditions, which are alike but not the same.
//!
//! Not here: which members there are.
//!
//! Invariant: what a dialect's reference does not name is an error. Names and keywords do not depend on case, and neither
//! does the comparison of text.

use std::cmp::Ordering;

use serde_json::Value;

/// Whose conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `=`, `<`, `<=`, `>`, `>=`, `LIKE`, `IS NULL`, quotes doubled.
    Control,
    /// Those but the last, and `eq`, `!=`, `contains`, `in`.
    Automate,
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Compare { member: String, how: How, with: Vec<Value> },
    IsNull(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    Contains,
    In,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

/// Reads a condition.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(crate) fn parse(dialect: Dialect, text: &str) -> Result<Condition, String> {
    let mut parser = Parser { dialect, tokens: tokens(text)?, at: 0, depth: 0 };
    let condition = parser.any()?;
    match parser.tokens.get(parser.at) {
        None => Ok(condition),
        Some(token) => Err(format!("unexpected {token:?}")),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: [&str; 10] = ["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ","];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.strip_prefix(sign).unwrap_or_default();
        } else if matches!(first, '\'' | '"') {
            let (text, after) = quoted(rest, first)?;
            tokens.push(Token::Text(text));
            rest = after;
        } else {
            let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '+' | '%');
            let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() {
                return Err(format!("unexpected {first:?}"));
            }
            tokens.push(Token::Word(word.to_owned()));
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A literal in quotes, which are doubled within it.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut literal = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != quote {
            literal.push(letter);
        } else if letters.peek().is_some_and(|(_, next)| *next == quote) {
            literal.push(quote);
            letters.next();
        } else {
            return Ok((literal, text.get(at + quote.len_utf8()..).unwrap_or_default()));
        }
    }
    Err("a literal does not end".to_owned())
}

struct Parser {
    dialect: Dialect,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Condition, String> {
        let mut list = vec![self.all()?];
        while self.takes("or") {
            list.push(self.all()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Condition::Any(list) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut list = vec![self.one()?];
        while self.takes("and") {
            list.push(self.one()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Condition::All(list) })
    }

    fn one(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > 64 {
            return Err("it is too deep".to_owned());
        }
        let condition = if self.dialect == Dialect::Control && self.takes("not") {
            Condition::Not(Box::new(self.one()?))
        } else if self.sign("(") {
            let inner = self.any()?;
            if !self.sign(")") {
                return Err("a bracket does not end".to_owned());
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        let Some(Token::Word(member)) = self.next() else { return Err("a member is missing".to_owned()) };
        if self.dialect == Dialect::Control && self.takes("is") {
            let not = self.takes("not");
            if !self.takes("null") {
                return Err("IS needs NULL".to_owned());
            }
            let null = Condition::IsNull(member);
            return Ok(if not { Condition::Not(Box::new(null)) } else { null });
        }
        let not = self.takes("not");
        let how = self.how()?;
        if not && !matches!(how, How::Like | How::Contains | How::In) {
            return Err("NOT goes with LIKE, CONTAINS and IN only".to_owned());
        }
        let with = if how == How::In { self.list()? } else { vec![self.literal()?] };
        let compare = Condition::Compare { member, how, with };
        Ok(if not { Condition::Not(Box::new(compare)) } else { compare })
    }

    fn how(&mut self) -> Result<How, String> {
        let automate = self.dialect == Dialect::Automate;
        Ok(match self.next() {
            Some(Token::Sign("=")) => How::Equal,
            Some(Token::Sign("!=")) if automate => How::NotEqual,
            Some(Token::Sign("<")) => How::Less,
            Some(Token::Sign("<=")) => How::LessOrEqual,
            Some(Token::Sign(">")) => How::Greater,
            Some(Token::Sign(">=")) => How::GreaterOrEqual,
            Some(Token::Word(word)) => match word.to_lowercase().as_str() {
                "like" => How::Like,
                "eq" if automate => How::Equal,
                "contains" if automate => How::Contains,
                "in" if automate => How::In,
                _ => return Err(format!("{word:?} is no operator")),
            },
            other => return Err(format!("{other:?} is no operator")),
        })
    }

    fn list(&mut self) -> Result<Vec<Value>, String> {
        if !self.sign("(") {
            return Err("IN needs a list".to_owned());
        }
        let mut list = vec![self.literal()?];
        while self.sign(",") {
            list.push(self.literal()?);
        }
        if self.sign(")") { Ok(list) } else { Err("a list does not end".to_owned()) }
    }

    fn literal(&mut self) -> Result<Value, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text.into()),
            Some(Token::Word(word)) => Ok(match word.to_lowercase().as_str() {
                "true" => true.into(),
                "false" => false.into(),
                "null" => Value::Null,
                _ => match word.parse::<i64>() {
                    Ok(number) => number.into(),
                    Err(_) if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => word.into(),
                    Err(_) => return Err(format!("{word:?} is no literal: text stands in quotes")),
                },
            }),
            other => Err(format!("{other:?} is no literal")),
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let fits =
            matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(fits);
        fits
    }

    fn sign(&mut self, sign: &str) -> bool {
        let fits = matches!(self.tokens.get(self.at), Some(Token::Sign(one)) if *one == sign);
        self.at += usize::from(fits);
        fits
    }
}

impl Condition {
    /// The members that it names.
    pub(crate) fn members(&self) -> Vec<&str> {
        match self {
            Self::All(list) | Self::Any(list) => list.iter().flat_map(Self::members).collect(),
            Self::Not(inner) => inner.members(),
            Self::Compare { member, .. } | Self::IsNull(member) => vec![member],
        }
    }

    /// Whether it holds for a record. An array holds when one of its elements does.
    pub(crate) fn holds(&self, member: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Self::All(list) => list.iter().all(|one| one.holds(member)),
            Self::Any(list) => list.iter().any(|one| one.holds(member)),
            Self::Not(inner) => !inner.holds(member),
            Self::IsNull(name) => matches!(member(name), Value::Null),
            Self::Compare { member: name, how, with } => compare(&member(name), *how, with),
        }
    }
}

fn compare(value: &Value, how: How, with: &[Value]) -> bool {
    if let Value::Array(list) = value {
        return list.iter().any(|value| compare(value, how, with));
    }
    let Some(first) = with.first() else { return false };
    match how {
        How::In => with.iter().any(|one| order(value, one) == Some(Ordering::Equal)),
        How::Like => like(&text(first), &text(value)),
        How::Contains => text(value).to_lowercase().contains(&text(first).to_lowercase()),
        How::Equal => order(value, first) == Some(Ordering::Equal),
        How::NotEqual => order(value, first) != Some(Ordering::Equal),
        How::Less => order(value, first) == Some(Ordering::Less),
        How::LessOrEqual => matches!(order(value, first), Some(Ordering::Less | Ordering::Equal)),
        How::Greater => order(value, first) == Some(Ordering::Greater),
        How::GreaterOrEqual => matches!(order(value, first), Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// How a value stands to a literal: as times or numbers when both are, else as text without regard to case.
fn order(value: &Value, literal: &Value) -> Option<Ordering> {
    if value.is_null() || literal.is_null() {
        return (value.is_null() && literal.is_null()).then_some(Ordering::Equal);
    }
    if let (Value::Bool(value), literal) = (value, text(literal)) {
        let literal = matches!(literal.to_lowercase().as_str(), "true" | "1");
        return Some(value.cmp(&literal));
    }
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    let parsed = |value: &Value| number(value).or_else(|| text(value).parse().ok());
    if (number(value).is_some() || number(literal).is_some())
        && let (Some(value), Some(literal)) = (parsed(value), parsed(literal))
    {
        return value.partial_cmp(&literal);
    }
    let (value, literal) = (text(value), text(literal));
    if let (Some(value), Some(literal)) = (time(&value), time(&literal)) {
        return Some(value.cmp(&literal));
    }
    Some(value.to_lowercase().cmp(&literal.to_lowercase()))
}

/// `2026-06-01T08:00:00Z`, or `2026-06-01 08:00:00` in UTC.
fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| {
        let (day, time) = text.split_once([' ', 'T'])?;
        format!("{day}T{time}Z").parse().ok()
    })
}

/// Whether a text fits a pattern with `%`.
fn like(pattern: &str, text: &str) -> bool {
    crate::faults::glob(&pattern.replace('%', "*"), text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(dialect: Dialect, condition: &str, record: &Value) -> bool {
        let condition = parse(dialect, condition).expect(condition);
        condition.holds(&|name| {
            let mut value = record;
            for part in name.split('.') {
                value = value.get(part).unwrap_or(&Value::Null);
            }
            value.clone()
        })
    }

    #[test]
    fn filters_of_control() {
        let record = json!({
            "SessionType": "Access", "CustomProperty1": "O'Brien & Co", "GuestConnectedCount": 1,
            "Name": "PC-1", "Host": null, "Time": "2026-06-01T08:00:00.0000000Z",
        });
        for (filter, expected) in [
            ("SessionType = 'Access' AND CustomProperty1 = 'O''Brien & Co'", true),
            ("not GuestConnectedCount = 0", true),
            ("GuestConnectedCount > 1", false),
            ("Name LIKE '%c-_'", false),
            ("Name LIKE 'pc%'", true),
            ("Name NOT LIKE \"pc%\" OR (Host IS NULL)", true),
            ("Host IS NOT NULL", false),
            ("Time >= '2026-06-01 08:00:00' AND Time < '2026-06-01 08:00:01'", true),
        ] {
            assert_eq!(holds(Dialect::Control, filter, &record), expected, "{filter}");
        }
    }

    #[test]
    fn conditions_of_automate() {
        let record = json!({
            "Id": "7", "Client": {"Id": "5", "Name": "Fabrikam"}, "Location": {"Id": 12}, "Type": "Workstation",
            "UserIdleTime": 61, "RemoteAgentVersion": "190.57", "OpenPortsTCP": [80, 443],
            "RemoteAgentLastContact": "2019-12-17T00:00:00Z", "IsRebootNeeded": true, "OS": "Windows 11",
        });
        for (condition, expected) in [
            ("Client.Id = 5", true),
            ("Client.Name like '%ABRI%'", true),
            ("(Location.Id eq 12) and (Type != 'Server')", true),
            ("(UserIdleTime >= 60)", true),
            ("RemoteAgentLastContact <= 2019-12-18T00:50:19.575Z", true),
            ("OS not like '%Mac%'", true),
            ("(RemoteAgentVersion < '190.58') and (RemoteAgentVersion > '120.451')", true),
            ("OpenPortsTCP contains 443", true),
            ("IsRebootNeeded = true", true),
            ("Id in (1, 7)", true),
            ("Id not in (1, 7)", false),
        ] {
            assert_eq!(holds(Dialect::Automate, condition, &record), expected, "{condition}");
        }
    }

    #[test]
    fn what_a_dialect_does_not_know_is_an_error() {
        for bad in [
            "",
            "Name",
            "Name =",
            "Name = x",
            "Name != 'x'",
            "Name <> 'x'",
            "(Name = 'x'",
            "Name = 'x",
            "Name = 'x' Name = 'y'",
            "Name contains 'x'",
            "Name IS 'x'",
            "Name ; 'x'",
        ] {
            assert!(parse(Dialect::Control, bad).is_err(), "{bad}");
        }
        for bad in ["Name IS NULL", "not Name = 'x'", "Name not = 'x'", "Name in 'x'", "Name in ('x'"] {
            assert!(parse(Dialect::Automate, bad).is_err(), "{bad}");
        }
        let deep = format!("{}Name = 'x'{}", "(".repeat(1000), ")".repeat(1000));
        assert!(parse(Dialect::Control, &deep).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "[A-Za-z'\"()=<>!%, .0-9]{0,60}") {
            for dialect in [Dialect::Control, Dialect::Automate] {
                if let Ok(condition) = parse(dialect, &text) {
                    condition.holds(&|_| Value::Null);
                }
            }
        }
    }
}
