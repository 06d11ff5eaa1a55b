//! Companies and agreements that exist only as a file, with faults on request.
//!
//! Invariants: the file is read strictly; a faulty answer goes through the reading that real ones go through.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;

use super::{PsaError, Reader};
use crate::config::kind::AnswerFault;
use crate::id::Name;
use crate::inventory::relations::Psa;
use crate::provider::page;

/// A simulated PSA.
#[derive(Debug)]
pub struct SimulatedPsa {
    name: Name,
    psa: Psa,
    fault: Option<AnswerFault>,
}

impl SimulatedPsa {
    /// Reads the file's text: `companies`.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn new(name: Name, text: &str, fault: Option<AnswerFault>) -> Result<Self, String> {
        let psa: Psa = page::file(text)?;
        let mut ids = BTreeSet::new();
        for company in &psa.companies {
            if !ids.insert(company.id.as_str()) {
                return Err(format!("the company with id {:?} is there twice", company.id));
            }
            for one in &company.agreements {
                let additions = one.additions.iter().map(|addition| (addition.begin, addition.end));
                for (begin, end) in additions.chain([(one.begin, one.end)]) {
                    if let (Some(begin), Some(end)) = (begin, end)
                        && end < begin
                    {
                        return Err(format!("agreement {:?} ends on {end}, before {begin}", one.name));
                    }
                }
            }
        }
        Ok(Self { name, psa, fault })
    }
}

impl Reader for SimulatedPsa {
    fn read(&self) -> BoxFuture<'_, Result<Psa, PsaError>> {
        Box::pin(async {
            let failed = |message| PsaError { psa: self.name.clone(), message };
            Ok(Psa { companies: page::answer(&self.psa.companies, self.fault).await.map_err(failed)? })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_strictly() {
        let new = |text: &str| SimulatedPsa::new(Name::new("p").expect("a name"), text, None);
        let good = "companies: [{ id: '1', name: A, agreements: [{ name: M, type: T, begin: 2026-01-01, \
                    additions: [{ product: Seat, active: false }] }] }]";
        assert!(new(good).is_ok(), "{:?}", new(good));
        for (bad, what) in [
            ("companies: [{ name: A }]", "id"),
            ("companies: [{ id: '1', name: A }, { id: '1', name: B }]", "twice"),
            (
                "companies: [{ id: '1', name: A, agreements: [{ name: M, type: T, begin: 2026-02-30 }] }]",
                "30",
            ),
            (
                "companies: [{ id: '1', name: A, agreements: [{ name: M, type: T, begin: 2026-02-02, end: 2026-01-01 }] }]",
                "before",
            ),
            ("companies: [{ id: '1', name: A, colour: red }]", "colour"),
        ] {
            let error = new(bad).expect_err(bad);
            assert!(error.contains(what), "{bad}: {error}");
        }
    }
}
