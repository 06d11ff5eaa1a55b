//! From an expression as written to one in which every name holds.
//!
//! Invariant: a name that does not exist is an error, never all and never none (TGT-16).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::expr::{Expr, FactTest, Resolved, Selector};
use super::ring::Ring;
use crate::config::Config;
use crate::config::kind::{
    AgreementTerm, Comparison, FactTerm, GroupTerm, InstalledTerm, Match, ProviderGroupTerm, RingTerm,
    SiteTerm, Term, TextMatch, VersionScheme,
};
use crate::diagnostic::{Code, Finding, Findings, Place, code, nearest};
use crate::id::Name;
use crate::inventory::facts::Facts;
use crate::inventory::pattern::Pattern;
use crate::version::{Constraint, InvalidVersion};

/// How deep expressions may nest, other targets in place.
const MAX_DEPTH: usize = 64;
/// How many terms an expression may have, other targets in place.
const MAX_TERMS: usize = 20_000;

/// Looks up the names of an expression and makes its patterns and versions ready. `place` is where it stands, if it
/// stands in a file; findings inside another target have that target's place.
///
/// # Errors
/// Findings for names that do not exist (M0302), targets in a circle (M0305), expressions without a condition (M0401),
/// patterns (M0410) and versions (M0411) that are not valid, and expressions that are too deep (M0104) or too large
/// (M0105); all of them.
pub fn resolve(expression: &Match, config: &Config, place: Option<&Place>) -> Result<Resolved, Findings> {
    let mut resolver = Resolver {
        config,
        place: place.cloned(),
        findings: Findings::new(),
        open: Vec::new(),
        done: BTreeMap::new(),
    };
    let sized = resolver.whole(expression, 0);
    if resolver.findings.is_empty() {
        Ok(Resolved { expr: sized.expr, targets: sized.targets })
    } else {
        resolver.findings.sort();
        Err(resolver.findings)
    }
}

/// An expression with what bounds it.
#[derive(Clone)]
struct Sized {
    expr: Expr,
    depth: usize,
    terms: usize,
    targets: BTreeSet<Name>,
}

impl Sized {
    fn one(expr: Expr) -> Self {
        Self { expr, depth: 1, terms: 1, targets: BTreeSet::new() }
    }

    fn list(members: Vec<Self>, make: impl FnOnce(Vec<Expr>) -> Expr) -> Self {
        let mut whole = Self::one(Expr::EVERY);
        let mut inner = Vec::with_capacity(members.len());
        for member in members {
            whole.depth = whole.depth.max(member.depth + 1);
            whole.terms = whole.terms.saturating_add(member.terms);
            whole.targets.extend(member.targets);
            inner.push(member.expr);
        }
        whole.expr = make(inner);
        whole
    }
}

struct Resolver<'a> {
    config: &'a Config,
    place: Option<Place>,
    findings: Findings,
    /// The targets that are being resolved, outermost first.
    open: Vec<&'a Name>,
    done: BTreeMap<&'a Name, (Arc<Expr>, Sized)>,
}

impl Resolver<'_> {
    fn report(&mut self, code: Code, message: impl Into<String>, help: Option<String>) {
        let finding = match &self.place {
            Some(place) => Finding::new(code, message, place.clone()),
            None => Finding::without_place(code, message),
        };
        self.findings.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    /// Said once: what contains a part that is too deep is too deep as well.
    fn too_deep(&mut self) {
        if !self.findings.iter().any(|finding| finding.code == code::TOO_DEEP) {
            let message = format!("the expression nests deeper than {MAX_DEPTH}, other targets in place");
            self.report(code::TOO_DEEP, message, None);
        }
    }

    fn unknown<'n>(&mut self, what: &str, name: &str, known: impl IntoIterator<Item = &'n str>) {
        let help = nearest(name, known).map(|near| format!("did you mean {near}?"));
        self.report(code::UNKNOWN_REFERENCE, format!("there is no {what} {name}"), help);
    }

    fn whole(&mut self, expression: &Match, level: usize) -> Sized {
        let Match { every, all, any, not } = expression;
        let mut members = Vec::new();
        if let Some(terms) = all {
            members.push(self.list(terms, level, Expr::All));
        }
        if let Some(terms) = any {
            members.push(self.list(terms, level, Expr::Any));
        }
        if let Some(terms) = not {
            members.push(self.none_of(terms, level));
        }
        if members.is_empty() && !every {
            let help = "write every: true to select all computers".to_owned();
            self.report(code::EMPTY_MATCH, "the expression has no condition", Some(help));
        }
        Sized::list(members, Expr::All)
    }

    fn none_of(&mut self, terms: &[Term], level: usize) -> Sized {
        self.list(terms, level, |members| Expr::Not(Box::new(Expr::Any(members))))
    }

    fn list(&mut self, terms: &[Term], level: usize, make: impl FnOnce(Vec<Expr>) -> Expr) -> Sized {
        if terms.is_empty() {
            let help = "put a condition in, or leave the list out".to_owned();
            self.report(code::EMPTY_MATCH, "a list of conditions is empty", Some(help));
        }
        if level >= MAX_DEPTH {
            self.too_deep();
            return Sized::one(Expr::NONE);
        }
        let members = terms.iter().map(|term| self.term(term, level + 1)).collect();
        let whole = Sized::list(members, make);
        if whole.terms > MAX_TERMS {
            let message =
                format!("the expression has more than {MAX_TERMS} conditions once targets are in place");
            self.report(code::TOO_MANY_NODES, message, None);
            return Sized::one(Expr::NONE);
        }
        whole
    }

    fn term(&mut self, term: &Term, level: usize) -> Sized {
        let selector = match term {
            Term::All(terms) => return self.list(terms, level, Expr::All),
            Term::Any(terms) => return self.list(terms, level, Expr::Any),
            Term::Not(terms) => return self.none_of(terms, level),
            Term::Target(name) => return self.target(name, level),
            Term::Tenant(name) => {
                self.tenant(name).map(|depth| Selector::Tenant { name: name.clone(), depth })
            }
            Term::TenantTree(name) => {
                self.tenant(name).map(|depth| Selector::TenantTree { name: name.clone(), depth })
            }
            Term::TenantTag(tag) => self.text("tenantTag", tag).map(Selector::TenantTag),
            Term::Computer(name) => self.text("computer", name).map(Selector::Computer),
            Term::Tag(tag) => self.text("tag", tag).map(Selector::Tag),
            Term::Role(role) => Some(Selector::Role(*role)),
            Term::Os(family) => Some(Selector::Os(*family)),
            Term::Person(person) => self.text("person", person).map(Selector::Person),
            Term::Site(site) => self.site(site),
            Term::Group(group) => self.group(group),
            Term::Agreement(agreement) => self.agreement(agreement),
            Term::ProviderGroup(group) => self.provider_group(group),
            Term::Ring(ring) => self.ring(ring),
            Term::Onboarding(wanted) => Some(Selector::Onboarding(*wanted)),
            Term::Script(name) => self.script(name),
            Term::Provider(name) => self.provider(name).map(Selector::Provider),
            Term::Installed(installed) => self.installed(installed),
            Term::Fact(fact) => self.fact(fact),
        };
        // Where the selector could not be resolved a finding stands, and the expression is not used.
        Sized::one(selector.map_or(Expr::NONE, Expr::Select))
    }

    fn text(&mut self, what: &str, text: &str) -> Option<String> {
        let text = text.trim();
        if text.is_empty() {
            self.report(code::INVALID_VALUE, format!("{what} is empty"), None);
            return None;
        }
        Some(text.to_owned())
    }

    /// The name itself, if it is declared.
    fn declared<T>(&mut self, what: &str, name: &Name, known: &BTreeMap<Name, T>) -> Option<Name> {
        if known.contains_key(name) {
            return Some(name.clone());
        }
        self.unknown(what, name.as_str(), known.keys().map(Name::as_str));
        None
    }

    fn provider(&mut self, name: &Name) -> Option<Name> {
        let config = self.config;
        self.declared("provider", name, &config.providers)
    }

    fn script(&mut self, name: &Name) -> Option<Selector> {
        let config = self.config;
        self.declared("script", name, &config.scripts).map(Selector::Script)
    }

    fn site(&mut self, site: &SiteTerm) -> Option<Selector> {
        let name = self.text("site", &site.name);
        let provider = site.provider.as_ref().map(|name| self.provider(name));
        match provider {
            None => Some(Selector::Site { name: name?, provider: None }),
            Some(provider) => Some(Selector::Site { name: name?, provider: Some(provider?) }),
        }
    }

    fn group(&mut self, group: &GroupTerm) -> Option<Selector> {
        let config = self.config;
        let name = self.text("group", &group.name);
        let directory = self.declared("directory", &group.directory, &config.directories)?;
        let mut linked =
            config.tenants.iter().filter(|(_, tenant)| tenant.directory.as_ref() == Some(&directory));
        let depth = match (linked.next(), linked.next()) {
            (Some((tenant, _)), None) => self.tenant(tenant),
            _ => None,
        };
        Some(Selector::Group { directory, name: name?, depth })
    }

    fn agreement(&mut self, agreement: &AgreementTerm) -> Option<Selector> {
        let config = self.config;
        let psa = self.declared("psa", &agreement.psa, &config.psas);
        let kind = agreement.r#type.as_ref().map(|text| self.text("type", text));
        let product = agreement.product.as_ref().map(|text| self.text("product", text));
        let given = |text: Option<Option<String>>| text.map_or(Some(None), |text| text.map(Some));
        Some(Selector::Agreement { psa: psa?, kind: given(kind)?, product: given(product)? })
    }

    fn provider_group(&mut self, group: &ProviderGroupTerm) -> Option<Selector> {
        let provider = self.provider(&group.provider);
        match (&group.name, &group.property, &group.value) {
            (Some(name), None, None) => {
                let name = self.text("providerGroup", name);
                Some(Selector::ProviderGroup { provider: provider?, name: name? })
            }
            (None, Some(property), Some(value)) => {
                let (property, value) = (self.text("property", property), self.text("value", value));
                Some(Selector::ProviderProperty { provider: provider?, property: property?, value: value? })
            }
            _ => {
                let message = "providerGroup takes a name, or a property with its value";
                self.report(code::EXACTLY_ONE, message, None);
                None
            }
        }
    }

    fn ring(&mut self, ring: &RingTerm) -> Option<Selector> {
        let name = self.text("ring", &ring.name);
        let (from, to) = match (ring.percent, ring.from, ring.to) {
            (Some(percent), None, None) => (0, percent),
            (None, Some(from), Some(to)) if from < to => (from, to),
            _ => {
                let message = "a ring takes percent, or from and to, of which to is more";
                self.report(code::EXACTLY_ONE, message, None);
                return None;
            }
        };
        if to > 100 {
            self.report(code::INVALID_VALUE, format!("{to} is more than 100 percent"), None);
            return None;
        }
        Some(Selector::Ring(Ring { name: name?, from, to }))
    }

    /// How far below its root a tenant is.
    fn tenant(&mut self, name: &Name) -> Option<u32> {
        let config = self.config;
        let Some(mut tenant) = config.tenants.get(name) else {
            self.unknown("tenant", name.as_str(), config.tenants.keys().map(Name::as_str));
            return None;
        };
        let mut depth = 0;
        while let Some(above) = tenant.parent.as_ref().and_then(|parent| config.tenants.get(parent)) {
            depth += 1;
            tenant = above;
            // `config::check` refuses circles; this only makes sure to end.
            if depth as usize > config.tenants.len() {
                break;
            }
        }
        Some(depth)
    }

    fn target(&mut self, name: &Name, level: usize) -> Sized {
        let config = self.config;
        let Some((name, target)) = config.targets.get_key_value(name) else {
            self.unknown("target", name.as_str(), config.targets.keys().map(Name::as_str));
            return Sized::one(Expr::NONE);
        };
        if let Some(start) = self.open.iter().position(|open| *open == name) {
            let mut circle: Vec<&str> = self.open.iter().skip(start).map(|name| name.as_str()).collect();
            circle.push(name.as_str());
            let message = format!("targets refer to each other in a circle: {}", circle.join(" -> "));
            self.report(code::CYCLE, message, None);
            return Sized::one(Expr::NONE);
        }
        if !self.done.contains_key(name) {
            let outside = self.place.replace(target.place.clone());
            self.open.push(name);
            let whole = self.whole(&target.expression, level);
            self.open.pop();
            self.place = outside;
            self.done.insert(name, (Arc::new(whole.expr.clone()), whole));
        }
        let Some((shared, inner)) = self.done.get(name) else { return Sized::one(Expr::NONE) };
        let mut whole = Sized::one(Expr::Target(name.clone(), Arc::clone(shared)));
        whole.depth = inner.depth + 1;
        whole.terms = inner.terms;
        whole.targets.clone_from(&inner.targets);
        whole.targets.insert(name.clone());
        if level + whole.depth > MAX_DEPTH {
            self.too_deep();
            return Sized::one(Expr::NONE);
        }
        whole
    }

    fn pattern(&mut self, source: &TextMatch) -> Option<Pattern> {
        match Pattern::new(source) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.report(code::REGEX, format!("the pattern cannot be used: {error}"), None);
                None
            }
        }
    }

    fn constraint(&mut self, scheme: VersionScheme, text: &str) -> Option<Constraint> {
        match Constraint::parse(scheme, text) {
            Ok(constraint) => Some(constraint),
            Err(error) => {
                let help = matches!(error, InvalidVersion::Constraint { .. })
                    .then(|| "write 1.2.3, =1.2.3, >=1.2, <2 or *".to_owned());
                self.report(code::VERSION, error.to_string(), help);
                None
            }
        }
    }

    fn installed(&mut self, term: &InstalledTerm) -> Option<Selector> {
        let name = self.pattern(&term.name);
        let scheme = term.version_scheme.unwrap_or_default();
        let version = term.version.as_ref().map(|text| self.constraint(scheme, text));
        match version {
            None => Some(Selector::Installed { name: name?, version: None }),
            Some(version) => Some(Selector::Installed { name: name?, version: Some(version?) }),
        }
    }

    fn fact(&mut self, term: &FactTerm) -> Option<Selector> {
        let paths = Facts::paths();
        let path = paths.iter().find(|path| **path == term.path).copied();
        if path.is_none() {
            self.unknown("fact", &term.path, paths.iter().copied());
        }
        let test = match &term.is {
            Comparison::Equals(value) => Some(FactTest::OneOf(vec![value.to_lowercase()])),
            Comparison::OneOf(values) if values.is_empty() => {
                self.report(code::EMPTY_MATCH, "a list of values is empty", None);
                None
            }
            Comparison::OneOf(values) => {
                Some(FactTest::OneOf(values.iter().map(|value| value.to_lowercase()).collect()))
            }
            Comparison::Text(source) => self.pattern(source).map(FactTest::Text),
            Comparison::Version(text) => self.constraint(VersionScheme::Dotted, text).map(FactTest::Version),
            Comparison::AtLeast(number) => Some(FactTest::AtLeast(*number)),
            Comparison::AtMost(number) => Some(FactTest::AtMost(*number)),
        };
        Some(Selector::Fact { path: path?, test: test? })
    }
}
