//! Releases of a software: versions of its scheme, each there once, with scripts that are there, and base versions that are
//! releases too (SW-15, SW-16).
//!
//! Not here: their files (`payload`).

use std::cmp::Ordering;

use super::Checker;
use super::software::Scripted;
use crate::config::address::web_address;
use crate::config::document::Document;
use crate::config::kind::{ReleaseSpec, SoftwareSpec, VersionScheme};
use crate::config::lock::Locked;
use crate::config::model::Release;
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code};
use crate::version;

impl Checker<'_> {
    /// The releases of a software, highest first; `None` when some versions are none.
    pub(super) fn releases(
        &mut self,
        document: &Document<SoftwareSpec>,
        scheme: VersionScheme,
        locked: Option<&Locked>,
    ) -> Option<Vec<Release>> {
        let Document { raw, spec, .. } = document;
        let mut valid = true;
        let mut releases = Vec::new();
        for (at, text) in spec.versions.iter().enumerate() {
            let pointer = format!("/spec/versions/{at}");
            valid &= self.version(raw, &pointer, scheme, text);
            releases.push(Release::plain(text.clone(), raw.place(&pointer)));
        }
        for (at, release) in spec.releases.iter().enumerate() {
            let pointer = format!("/spec/releases/{at}");
            valid &= self.version(raw, &format!("{pointer}/version"), scheme, &release.version);
            releases.push(self.release(raw, &pointer, spec, release));
        }
        if !valid {
            return None;
        }
        self.in_order(scheme, &mut releases);
        if let Some(locked) = locked {
            self.with_locked(document, scheme, locked, &mut releases);
        }
        self.bases(raw, scheme, spec, &mut releases);
        Some(releases)
    }

    fn version(&mut self, raw: &RawDocument, pointer: &str, scheme: VersionScheme, text: &str) -> bool {
        let checked = version::check(scheme, text);
        if let Err(error) = &checked {
            self.report(code::VERSION, error.to_string(), raw.place(pointer));
        }
        checked.is_ok()
    }

    fn release(
        &mut self,
        raw: &RawDocument,
        pointer: &str,
        spec: &SoftwareSpec,
        release: &ReleaseSpec,
    ) -> Release {
        let payloads = release.payloads.iter().enumerate();
        let payloads = payloads
            .filter_map(|(at, payload)| {
                self.payload(raw, &format!("{pointer}/payloads/{at}"), spec.fetch, payload)
            })
            .collect();
        let of_software = Scripted::of(spec);
        let scripted = Scripted {
            install: of_software.install || release.install.is_some(),
            uninstall: of_software.uninstall || release.uninstall.is_some(),
        };
        for (key, strategy) in [("upgrade", &release.upgrade), ("repair", &release.repair)] {
            if let Some(strategy) = strategy {
                self.strategy_has_scripts(raw, &format!("{pointer}/{key}"), strategy, &scripted);
            }
        }
        let mut scripts = |key: &str, scripts: &Option<_>| {
            scripts.as_ref().map(|scripts| self.scripts(raw, &format!("{pointer}/{key}"), scripts))
        };
        let install = scripts("install", &release.install);
        let uninstall = scripts("uninstall", &release.uninstall);
        let test = scripts("test", &release.test);
        let mut strategy = |key: &str, strategy: &Option<_>| {
            strategy.as_ref().map(|strategy| self.strategy(raw, &format!("{pointer}/{key}"), strategy))
        };
        Release {
            version: release.version.clone(),
            place: raw.place(&format!("{pointer}/version")),
            payloads,
            requires: release.requires.clone(),
            install,
            upgrade: strategy("upgrade", &release.upgrade),
            uninstall,
            repair: strategy("repair", &release.repair),
            test,
        }
    }

    /// An address on the web that holds no secret.
    pub(super) fn address(&mut self, raw: &RawDocument, pointer: &str, text: &str) -> Option<url::Url> {
        match web_address(text) {
            Ok(url) => Some(url),
            Err(why) => {
                // The text may hold a password: it is shown by its place alone.
                let finding = Finding::new(code::ADDRESS, format!("the address {why}"), raw.place(pointer));
                self.push(
                    finding.help("write https://host/path; secrets are references, never part of an address"),
                );
                None
            }
        }
    }

    /// Highest first; of equal ones only the first stays, and the others are told.
    fn in_order(&mut self, scheme: VersionScheme, releases: &mut Vec<Release>) {
        let compare = |a: &Release, b: &Release| {
            version::compare(scheme, &a.version, &b.version).unwrap_or(Ordering::Equal)
        };
        releases.sort_by(|a, b| compare(b, a));
        let mut twice = Vec::new();
        releases.dedup_by(|later, first| {
            let same = compare(later, first).is_eq();
            if same {
                twice.push((later.clone(), first.clone()));
            }
            same
        });
        for (later, first) in twice {
            let message = format!("the version {:?} is listed twice", later.version);
            let finding = Finding::new(code::SETTING, message, later.place);
            self.push(
                finding.related(first.place, "it is the same as this one").help("take one of them out"),
            );
        }
    }

    /// Adds what the lock file holds. What the document lists itself is over it.
    fn with_locked(
        &mut self,
        document: &Document<SoftwareSpec>,
        scheme: VersionScheme,
        locked: &Locked,
        releases: &mut Vec<Release>,
    ) {
        let lock = self.around.lock;
        let place = lock.and_then(|lock| lock.places.get(document.name())).cloned();
        let place = place.unwrap_or_else(|| document.place());
        for release in &locked.releases {
            if let Err(error) = version::check(scheme, &release.version) {
                let finding = Finding::new(code::VERSION, error.to_string(), place.clone());
                self.push(finding.help("the scheme was changed since; run `muster update`"));
                continue;
            }
            let is_it = |own: &Release| {
                version::compare(scheme, &own.version, &release.version).is_ok_and(Ordering::is_eq)
            };
            if !releases.iter().any(is_it) {
                let mut release = release.release(&place);
                self.locked_payloads(document.spec.fetch, &mut release.payloads);
                releases.push(release);
            }
        }
        releases.sort_by(|a, b| version::compare(scheme, &b.version, &a.version).unwrap_or(Ordering::Equal));
    }

    /// Base versions are releases, and need each other in no circle. They are written as the release writes itself.
    fn bases(
        &mut self,
        raw: &RawDocument,
        scheme: VersionScheme,
        spec: &SoftwareSpec,
        releases: &mut [Release],
    ) {
        let find = |releases: &[Release], text: &str| {
            releases.iter().position(|release| {
                version::compare(scheme, &release.version, text).is_ok_and(Ordering::is_eq)
            })
        };
        let mut base_of = vec![None; releases.len()];
        for (at, release) in spec.releases.iter().enumerate() {
            let Some(text) = &release.requires else { continue };
            let pointer = format!("/spec/releases/{at}/requires");
            if !self.version(raw, &pointer, scheme, text) {
                continue;
            }
            let (own, base) = (find(releases, &release.version), find(releases, text));
            if let (Some(own), Some(base)) = (own, base) {
                if let Some(slot) = base_of.get_mut(own) {
                    *slot = Some((base, at));
                }
            } else {
                let message = format!("the base version {text} is none of the software's releases");
                let finding = Finding::new(code::BASE_VERSION, message, raw.place(&pointer));
                self.push(finding.help("list it below `releases`, so that it can be installed first"));
            }
        }
        for (own, base) in base_of.iter().enumerate() {
            let Some((base, at)) = base else { continue };
            let name = releases.get(*base).map(|release| release.version.clone());
            if let Some(release) = releases.get_mut(own) {
                release.requires = name;
            }
            // Told once, at the highest version of the circle.
            let mut way = Vec::new();
            let mut next = Some(*base);
            while let Some(here) = next
                && !way.contains(&here)
            {
                way.push(here);
                next = base_of.get(here).copied().flatten().map(|(base, _)| base);
            }
            if way.contains(&own) && way.iter().all(|other| *other >= own) {
                let version = releases.get(own).map_or("", |release| release.version.as_str());
                let message = format!("the version {version} needs itself to be there before it");
                let place = raw.place(&format!("/spec/releases/{at}/requires"));
                self.push(Finding::new(code::CYCLE, message, place).help("take one of these references out"));
            }
        }
    }
}
