//! Target expressions: they say something, and what they name exists.

use super::Checker;
use crate::config::kind::{Comparison, Kind, Match, ProviderGroupTerm, RingTerm, Term, VersionScheme};
use crate::config::parse::RawDocument;
use crate::diagnostic::{Finding, code, nearest};
use crate::id::Name;
use crate::inventory::facts::Facts;
use crate::version::Constraint;

impl Checker<'_> {
    /// Checks the expression at `pointer`.
    pub(super) fn expression(&mut self, raw: &RawDocument, pointer: &str, expression: &Match) {
        let lists = [("all", &expression.all), ("any", &expression.any), ("not", &expression.not)];
        let given: Vec<_> = lists.iter().filter_map(|(key, list)| Some((*key, list.as_ref()?))).collect();
        if expression.every {
            if let Some((key, _)) = given.first() {
                let message = format!("`every` selects all computers, so `{key}` beside it cannot hold");
                let place = raw.key_place(&format!("{pointer}/{key}"));
                let finding = Finding::new(code::SETTING, message, place);
                self.push(
                    finding
                        .related(raw.key_place(&format!("{pointer}/every")), "`every` is given here")
                        .help("take one of them out"),
                );
            }
        } else if given.is_empty() {
            let finding =
                Finding::new(code::EMPTY_MATCH, "the expression has no condition", raw.place(pointer));
            self.push(
                finding.help("name what to select below `all`, `any` or `not`; write `every: true` for all"),
            );
        }
        for (key, terms) in given {
            self.terms(raw, &format!("{pointer}/{key}"), terms);
        }
    }

    fn terms(&mut self, raw: &RawDocument, pointer: &str, terms: &[Term]) {
        if terms.is_empty() {
            let finding =
                Finding::new(code::EMPTY_MATCH, "the list of conditions is empty", raw.place(pointer));
            self.push(
                finding
                    .help("put a condition in, or leave the key out; write `every: true` for all computers"),
            );
        }
        for (at, term) in terms.iter().enumerate() {
            self.term(raw, &format!("{pointer}/{at}"), term);
        }
    }

    // The depth of a document is bounded, so the recursion is.
    fn term(&mut self, raw: &RawDocument, pointer: &str, term: &Term) {
        let at = |key: &str| format!("{pointer}/{key}");
        match term {
            Term::All(terms) => self.terms(raw, &format!("{pointer}/all"), terms),
            Term::Any(terms) => self.terms(raw, &format!("{pointer}/any"), terms),
            Term::Not(terms) => self.terms(raw, &format!("{pointer}/not"), terms),
            Term::Tenant(name) => _ = self.reference(raw, &at("tenant"), Kind::Tenant, name),
            Term::TenantTree(name) => _ = self.reference(raw, &at("tenantTree"), Kind::Tenant, name),
            Term::Provider(name) => _ = self.reference(raw, &at("provider"), Kind::Provider, name),
            Term::Target(name) => _ = self.reference(raw, &at("target"), Kind::Target, name),
            Term::TenantTag(tag) => _ = self.not_empty(raw, &format!("{pointer}/tenantTag"), tag),
            Term::Tag(tag) => _ = self.not_empty(raw, &format!("{pointer}/tag"), tag),
            Term::Person(person) => _ = self.not_empty(raw, &at("person"), person),
            Term::Site(site) => {
                self.not_empty(raw, &at("site/name"), &site.name);
                if let Some(provider) = &site.provider {
                    self.reference(raw, &at("site/provider"), Kind::Provider, provider);
                }
            }
            Term::Group(group) => {
                self.reference(raw, &at("group/directory"), Kind::Directory, &group.directory);
                self.not_empty(raw, &at("group/name"), &group.name);
            }
            Term::Agreement(agreement) => {
                self.reference(raw, &at("agreement/psa"), Kind::Psa, &agreement.psa);
                for (key, text) in [("type", &agreement.r#type), ("product", &agreement.product)] {
                    if let Some(text) = text {
                        self.not_empty(raw, &at(&format!("agreement/{key}")), text);
                    }
                }
            }
            Term::ProviderGroup(group) => self.provider_group(raw, &at("providerGroup"), group),
            Term::Ring(ring) => self.ring(raw, &at("ring"), ring),
            Term::Script(name) => _ = self.reference(raw, &at("script"), Kind::Script, name),
            Term::Computer(computer) => self.computer_term(raw, &format!("{pointer}/computer"), computer),
            Term::Role(_) | Term::Os(_) | Term::Onboarding(_) => {}
            Term::Installed(installed) => {
                self.text_match(raw, &format!("{pointer}/installed/name"), &installed.name);
                if let Some(version) = &installed.version {
                    let scheme = installed.version_scheme.unwrap_or_default();
                    self.constraint(raw, &format!("{pointer}/installed/version"), scheme, version);
                }
            }
            Term::Fact(fact) => {
                self.fact_path(raw, &format!("{pointer}/fact/path"), &fact.path);
                let is = format!("{pointer}/fact/is");
                match &fact.is {
                    Comparison::OneOf(list) => _ = self.not_empty_list(raw, &format!("{is}/oneOf"), list),
                    Comparison::Text(pattern) => self.text_match(raw, &format!("{is}/text"), pattern),
                    Comparison::Version(version) => {
                        self.constraint(raw, &format!("{is}/version"), VersionScheme::Dotted, version);
                    }
                    Comparison::Equals(_) | Comparison::AtLeast(_) | Comparison::AtMost(_) => {}
                }
            }
        }
    }

    fn provider_group(&mut self, raw: &RawDocument, pointer: &str, group: &ProviderGroupTerm) {
        self.reference(raw, &format!("{pointer}/provider"), Kind::Provider, &group.provider);
        let given = [("name", &group.name), ("property", &group.property), ("value", &group.value)];
        for (key, text) in given {
            if let Some(text) = text {
                self.not_empty(raw, &format!("{pointer}/{key}"), text);
            }
        }
        let keys = [("name", group.name.is_some()), ("property", group.property.is_some())];
        if !self.exactly_one(raw, pointer, &keys) {
            return;
        }
        if group.property.is_some() != group.value.is_some() {
            let message = "`property` and `value` are given together";
            self.push(
                Finding::new(code::MISSING_KEY, message, raw.place(pointer))
                    .help("write `name` for a group, or both `property` and `value`"),
            );
        }
    }

    fn ring(&mut self, raw: &RawDocument, pointer: &str, ring: &RingTerm) {
        self.not_empty(raw, &format!("{pointer}/name"), &ring.name);
        for (key, number) in [("percent", ring.percent), ("from", ring.from), ("to", ring.to)] {
            self.within(raw, &format!("{pointer}/{key}"), number, 0, 100);
        }
        let range = ring.from.is_some() || ring.to.is_some();
        if !self.exactly_one(raw, pointer, &[("percent", ring.percent.is_some()), ("to", range)]) {
            return;
        }
        match (ring.from, ring.to) {
            (Some(from), Some(to)) if from >= to => {
                let message = format!("a ring from {from} to {to} holds nobody");
                let place = raw.place(&format!("{pointer}/to"));
                self.push(Finding::new(code::SETTING, message, place).help("`to` is more than `from`"));
            }
            (Some(_), None) | (None, Some(_)) => {
                let message = "`from` and `to` are given together";
                self.push(
                    Finding::new(code::MISSING_KEY, message, raw.place(pointer))
                        .help("write `percent` for the first so many percent"),
                );
            }
            _ => {}
        }
    }

    /// A computer's name; what is before a slash is its provider.
    fn computer_term(&mut self, raw: &RawDocument, pointer: &str, computer: &str) {
        if !self.not_empty(raw, pointer, computer) {
            return;
        }
        let Some((provider, _)) = computer.split_once('/') else { return };
        match Name::new(provider) {
            Ok(provider) => _ = self.reference(raw, pointer, Kind::Provider, &provider),
            Err(error) => {
                let finding = Finding::new(code::INVALID_VALUE, error.to_string(), raw.place(pointer));
                self.push(finding.help("before the slash stands the name of a Provider"));
            }
        }
    }

    fn fact_path(&mut self, raw: &RawDocument, pointer: &str, path: &str) {
        let known = Facts::paths();
        if known.contains(&path) {
            return;
        }
        let place = raw.place(pointer);
        if !self.is_written(raw, &place, path) {
            return;
        }
        let finding = Finding::new(code::UNKNOWN_REFERENCE, format!("there is no fact {path:?}"), place);
        self.push(finding.help(match nearest(path, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the facts are {}", known.join(", ")),
        }));
    }

    fn constraint(&mut self, raw: &RawDocument, pointer: &str, scheme: VersionScheme, text: &str) {
        if let Err(error) = Constraint::parse(scheme, text) {
            self.report(code::VERSION, error.to_string(), raw.place(pointer));
        }
    }
}

/// The targets that an expression names, each once for each time it stands there.
pub(super) fn targets_in(expression: &Match) -> Vec<&Name> {
    let mut found = Vec::new();
    let mut open: Vec<&Term> =
        [&expression.all, &expression.any, &expression.not].into_iter().flatten().flatten().collect();
    while let Some(term) = open.pop() {
        match term {
            Term::All(terms) | Term::Any(terms) | Term::Not(terms) => open.extend(terms),
            Term::Target(name) => found.push(name),
            _ => {}
        }
    }
    found.sort();
    found
}
