//! The built-in page services, for what the extension does not offer: session groups and reports. They need an account.
//!
//! They are not documented and change between releases, so nothing that has to work depends on them.
//!
//! Invariants: user and password go with each request, a one-time password is made anew for each; a refused login is not
//! repeated for a while, since too many lock the account.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::wire::Group;
use crate::config::kind::Account;
use crate::http::api::{ApiError, Auth, Call, Client, Expects, Fault, Plain, Token};
use crate::provider::link::Keys;
use crate::provider::totp;
use crate::secret::Secret;
use crate::time::Timestamp;

const SIGN_IN: &str = "sign-in to ScreenConnect";

/// Signs calls in.
#[derive(Debug)]
pub(super) struct SignIn {
    pub(super) account: Account,
    pub(super) keys: Keys,
    pub(super) origin: String,
}

impl Auth for SignIn {
    fn headers(&self, token: Option<&Token>, now: Timestamp) -> Vec<(&'static str, Secret)> {
        let mut headers = vec![("origin", Secret::new(self.origin.clone()))];
        // Three lines; see `obtain`.
        let mut lines = token.map(|token| token.secret.expose().split('\n')).into_iter().flatten();
        let mut add = |name, value: Option<String>| {
            headers.extend(value.filter(|value| !value.is_empty()).map(|value| (name, Secret::new(value))));
        };
        add("authorization", lines.next().map(str::to_owned));
        add("x-anti-forgery-token", lines.next().map(str::to_owned));
        let key = lines.next().filter(|key| !key.is_empty()).map(|key| Secret::new(key.to_owned()));
        let code = key.and_then(|key| totp::code(&key, now.as_second()).ok());
        add("x-one-time-password", code.map(|code| code.expose().to_owned()));
        headers
    }

    fn obtain<'a>(
        &'a self,
        plain: Plain<'a>,
        _: Option<&'a Token>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Token>, ApiError>> {
        Box::pin(async move {
            let password = self.keys.find(SIGN_IN, &self.account.password)?;
            let key = self.account.one_time_password_key.as_ref();
            let key = key.map(|key| self.keys.find(SIGN_IN, key)).transpose()?;
            if let Some(key) = &key {
                totp::code(key, now.as_second())
                    .map_err(|error| ApiError::unsent(SIGN_IN, Fault::Unaskable(error.to_string())))?;
            }
            let page =
                plain.call(&Call::get("the start page of ScreenConnect").expects(Expects::Text)).await?;
            let basic = STANDARD.encode(format!("{}:{}", self.account.user, password.expose()));
            // Old servers have no such token and work without it.
            let forgery = anti_forgery(&page.text()).unwrap_or_default();
            let key = key.as_ref().map_or("", |key| key.expose()).replace('\n', "");
            let secret = Secret::new(format!("Basic {basic}\n{forgery}\n{key}"));
            Ok(Some(Token { secret, since: now, ends: None }))
        })
    }

    fn rest(&self, error: &ApiError) -> std::time::Duration {
        if error.is_denied() { std::time::Duration::from_mins(5) } else { std::time::Duration::ZERO }
    }

    fn explain(&self, headers: &std::collections::BTreeMap<String, String>) -> Option<String> {
        let result = headers.get("x-login-result")?;
        Some(match result.as_str() {
            "UserNameInvalid" | "PasswordInvalid" => "user or password is wrong".to_owned(),
            "OneTimePasswordRequired" => {
                "the account needs a one-time password: give `account.oneTimePasswordKey`".to_owned()
            }
            "OneTimePasswordInvalid" => {
                "the one-time password was not accepted: check `account.oneTimePasswordKey` and the clocks"
                    .to_owned()
            }
            "LockedOut" => "the account is locked".to_owned(),
            other => crate::http::api::plain(other)?,
        })
    }
}

/// The token that calls carry, from a page.
fn anti_forgery(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("\"antiForgeryToken\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let token = texts.next()?.ok()?;
    token.bytes().all(|byte| byte.is_ascii_graphic()).then_some(token)
}

/// A report: names of columns, and rows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    field_names: Vec<String>,
    items: Vec<Vec<Value>>,
}

/// Signs in and looks at the groups of access sessions.
pub(super) async fn groups(client: &Client) -> Result<Vec<Group>, ApiError> {
    let name = format!("GetSessionGroups of {}", client.name());
    let call = Call::post(name).at("Services/SessionGroupService.ashx/GetSessionGroups");
    let groups: Vec<Group> = client.json(&call.json(Value::Array(Vec::new())).idempotent()).await?;
    let of_access = |group: &Group| group.session_type.as_ref().is_none_or(|kind| kind.is("2", "Access"));
    Ok(groups.into_iter().filter(of_access).collect())
}

/// How many events of these two kinds all sessions have: commands (44) and their outputs (70).
pub(super) async fn events(client: &Client) -> Result<[u64; 2], ApiError> {
    let mut counts = [0; 2];
    for (count, (kind, table)) in
        counts.iter_mut().zip([("QueuedCommand", "SessionEvent"), ("RanCommand", "SessionConnectionEvent")])
    {
        let call = Call::get(format!("a report of {}", client.name()))
            .at("Report.json")
            .query("ReportType", table)
            .query("GroupFields", "EventType")
            .query("SelectFields", "EventType")
            .query("SelectFields", "Count")
            .query("Filter", format!("EventType = '{kind}'"));
        *count = counted(&client.json(&call).await?);
    }
    Ok(counts)
}

/// The sum of a report's column of counts.
fn counted(report: &Report) -> u64 {
    let at = report.field_names.iter().position(|name| name.eq_ignore_ascii_case("Count"));
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    at.map_or(0, |at| report.items.iter().filter_map(|row| number(row.get(at)?)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_in_a_page() {
        let page = r#"<script>SC.util.mergeIntoContext({"a":1,"antiForgeryToken": "x\u002fy=","userName":null});</script>"#;
        assert_eq!(anti_forgery(page).as_deref(), Some("x/y="));
        for none in [
            "",
            "<html>",
            r#""antiForgeryToken":null"#,
            r#""antiForgeryToken":"a\nb""#,
            r#""antiForgeryToken":"x"#,
        ] {
            assert_eq!(anti_forgery(none), None, "{none}");
        }
    }

    #[test]
    fn a_report_is_summed_up() {
        let report =
            r#"{"FieldNames":["EventType","Count"],"Items":[["QueuedCommand",12],["44","3"],["x"]]}"#;
        assert_eq!(counted(&serde_json::from_str(report).expect("a report")), 15);
        let report = r#"{"FieldNames":["EventType"],"Items":[["QueuedCommand"]]}"#;
        assert_eq!(counted(&serde_json::from_str(report).expect("a report")), 0);
    }
}
