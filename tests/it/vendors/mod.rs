//! The providers for Automate and ConnectWise RMM against the lab: whether what they ask stands in the vendors' documents.

mod documents;
mod recorder;
