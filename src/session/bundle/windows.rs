//! The bundle for Windows PowerShell.

use crate::session::script::Bundle;

pub(super) fn render<A>(_bundle: &Bundle<A>, _marker: &str) -> String {
    String::new()
}
