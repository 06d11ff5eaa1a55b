//! JSON Schemas (draft 2020-12) of everything that people or programs write and read, from the Rust types.
//!
//! Not here: writing them to `schemas/`; a test compares and rewrites those.
//!
//! Invariant: the same types give the same texts, byte for byte.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::kind::{
    API_VERSION, BundleSpec, ComputerSpec, DeploymentSpec, DirectorySpec, ExceptionSpec, GuardrailSpec,
    GuardrailTestSpec, InstanceSpec, Kind, LicenseSpec, Metadata, OrderSpec, PackageSpec, PolicySpec,
    ProviderSpec, PsaSpec, ScheduleSpec, ScriptSpec, SoftwareSpec, TargetSpec, TaskSpec, TenantSpec,
};
use super::lock::LockFile;
use crate::plan::document::Plan;

/// The schema for a document of any kind.
pub const ANY_KIND: &str = "muster.json";

/// All schemas: the file's name, and its text with a line end. There is one for each kind (`deployment.json`), one for a
/// document of any kind ([`ANY_KIND`]), one for saved plans (`plan.json`), and one for `muster.lock` (`lock.json`).
#[must_use]
pub fn all() -> BTreeMap<String, String> {
    let mut schemas = BTreeMap::new();
    for kind in Kind::ALL.iter().copied() {
        let mut generator = generator();
        let document = document(kind, &mut generator);
        let name = format!("{}.json", kind.as_str().to_ascii_lowercase());
        schemas.insert(name, text(&whole(&format!("Muster {kind}"), document, &mut generator)));
    }
    let mut any = generator();
    let kinds: Vec<Value> = Kind::ALL.iter().copied().map(|kind| document(kind, &mut any)).collect();
    // Which of them it is follows from `kind` alone, so that an editor shows the errors of that one.
    let mut choices = Vec::new();
    for (kind, schema) in Kind::ALL.iter().copied().zip(kinds) {
        let name = format!("{kind}Document");
        any.definitions_mut().insert(name.clone(), schema);
        choices.push(json!({ "$ref": format!("#/$defs/{name}") }));
    }
    let any_kind = whole("A Muster document of any kind", json!({ "oneOf": choices }), &mut any);
    schemas.insert(ANY_KIND.to_owned(), text(&any_kind));
    let mut plan = generator().into_root_schema_for::<Plan>().to_value();
    for_readers(&mut plan);
    schemas.insert("plan.json".to_owned(), text(&plan));
    let mut lock = generator().into_root_schema_for::<LockFile>().to_value();
    without_null(&mut lock);
    for_readers(&mut lock);
    schemas.insert("lock.json".to_owned(), text(&lock));
    schemas
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// The envelope around what the kind says.
fn document(kind: Kind, generator: &mut SchemaGenerator) -> Value {
    let spec = match kind {
        Kind::Instance => part::<InstanceSpec>(generator),
        Kind::Tenant => part::<TenantSpec>(generator),
        Kind::Provider => part::<ProviderSpec>(generator),
        Kind::Directory => part::<DirectorySpec>(generator),
        Kind::Psa => part::<PsaSpec>(generator),
        Kind::Computer => part::<ComputerSpec>(generator),
        Kind::Target => part::<TargetSpec>(generator),
        Kind::Software => part::<SoftwareSpec>(generator),
        Kind::Task => part::<TaskSpec>(generator),
        Kind::Script => part::<ScriptSpec>(generator),
        Kind::License => part::<LicenseSpec>(generator),
        Kind::Deployment => part::<DeploymentSpec>(generator),
        Kind::Bundle => part::<BundleSpec>(generator),
        Kind::Schedule => part::<ScheduleSpec>(generator),
        Kind::Policy => part::<PolicySpec>(generator),
        Kind::Package => part::<PackageSpec>(generator),
        Kind::Order => part::<OrderSpec>(generator),
        Kind::Guardrail => part::<GuardrailSpec>(generator),
        Kind::GuardrailTest => part::<GuardrailTestSpec>(generator),
        Kind::Exception => part::<ExceptionSpec>(generator),
    };
    let about = generator.definitions().get(&format!("{kind}Spec")).and_then(|spec| spec.get("description"));
    json!({
        "description": about.cloned().unwrap_or_default(),
        "type": "object",
        "properties": {
            "apiVersion": { "description": "The version of the configuration's format.", "const": API_VERSION },
            "kind": { "description": "What the document is.", "const": kind.as_str() },
            "metadata": part::<Metadata>(generator),
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
    })
}

fn part<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// A schema with its head and the definitions that it refers to.
fn whole(title: &str, schema: Value, generator: &mut SchemaGenerator) -> Value {
    let mut root = serde_json::Map::new();
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!(title));
    if let Value::Object(schema) = schema {
        root.extend(schema);
    }
    root.insert("$defs".to_owned(), Value::Object(generator.take_definitions(true)));
    let mut schema = Schema::from(root);
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    let mut schema = schema.to_value();
    without_null(&mut schema);
    for_readers(&mut schema);
    schema
}

/// Editors show the description of the key under the pointer: the only key of a choice gets the choice's own. Links
/// between Rust items mean nothing there.
fn for_readers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(for_readers),
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`");
            }
            if let Some(Value::Array(choices)) = map.get_mut("oneOf") {
                choices.iter_mut().for_each(describe_only_key);
            }
            map.values_mut().for_each(for_readers);
        }
        _ => {}
    }
}

fn describe_only_key(choice: &mut Value) {
    let Some(description) = choice.get("description").cloned() else { return };
    let Some(Value::Object(properties)) = choice.get_mut("properties") else { return };
    if properties.len() != 1 {
        return;
    }
    for property in properties.values_mut() {
        if let Value::Object(property) = property {
            property.entry("description").or_insert_with(|| description.clone());
        }
    }
}

/// Takes null out: a key that may be left out may not be empty (L8).
fn without_null(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(map) => {
            map.values_mut().for_each(without_null);
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(values)) = map.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    map.shift_remove("anyOf");
                    map.extend(only);
                }
            }
        }
        _ => {}
    }
}

fn text(schema: &Value) -> String {
    // A schema is a tree of texts and numbers, which always has a text.
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_schema_for_each_kind_for_any_for_plans_and_for_the_lock() {
        let schemas = all();
        assert_eq!(schemas.len(), Kind::ALL.len() + 3);
        for (name, text) in &schemas {
            let schema: Value = serde_json::from_str(text).unwrap();
            assert!(schema["$schema"].as_str().unwrap().contains("2020-12"), "{name}");
            assert!(text.ends_with("}\n"), "{name}");
        }
    }

    #[test]
    fn the_same_types_give_the_same_texts() {
        assert_eq!(all(), all());
    }
}
