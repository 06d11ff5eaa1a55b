//! The configuration: from YAML text to checked documents.

pub mod de;
pub mod parse;
pub mod spanned;
