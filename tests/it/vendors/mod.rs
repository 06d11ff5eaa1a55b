//! The providers for Automate and ConnectWise RMM against the lab: whether what they ask stands in the vendors' documents, and what
//! they do when things go wrong.

mod documents;
mod faults;
mod maintenance;
mod recorder;
