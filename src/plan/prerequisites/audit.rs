//! What prerequisites ask for where the winner may only tell.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::{Search, Standing, State, Trouble};
use crate::config::Config;
use crate::config::kind::Consequence;
use crate::id::Name;
use crate::plan::document::NoteKind;

/// What is missing where the winner may only tell.
pub(super) fn audits(
    config: &Config,
    standings: &BTreeMap<Name, Standing<'_>>,
    rulers: &[&Name],
) -> Vec<Trouble> {
    let nothing = (RoaringBitmap::new(), BTreeMap::new());
    let search = Search { config, standings, held: &nothing.0, blocked: &nothing.1, state: State::default() };
    let mut troubles = Vec::new();
    for name in rulers {
        let (Some(software), Some(standing)) = (config.software.get(*name), standings.get(*name)) else {
            continue;
        };
        for rule in &software.prerequisites {
            let (yes, _) = search.condition(&rule.when, &standing.audited);
            let mut add = |text: String, computers: RoaringBitmap| {
                if !computers.is_empty() {
                    troubles.push(Trouble {
                        software: (*name).clone(),
                        kind: NoteKind::NonCompliant,
                        text,
                        place: rule.place.clone(),
                        against: None,
                        undoes: false,
                        computers,
                    });
                }
            };
            match &rule.then {
                Consequence::Fail(why) => add(format!("its prerequisite fails: {why}"), yes),
                Consequence::Install(others) => {
                    for other in others {
                        add(format!("{other} would have to be there"), &yes & search.planned(other).1);
                    }
                }
                Consequence::Uninstall(others) => {
                    for other in others {
                        add(format!("{other} would have to be gone"), &yes & search.planned(other).0);
                    }
                }
            }
        }
    }
    troubles
}
