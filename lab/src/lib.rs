//! The lab: `ConnectWise` Control (`ScreenConnect`), `ConnectWise` Automate and `ConnectWise` RMM on loopback, from one fleet
//! file, with faults on request.
//!
//! It shares no wire types with Muster's clients: it is written from the vendors' references, so that an error cannot hide
//! on both sides. Of Muster it uses the model of a simulated computer only.
//!
//! - [`fleet`]: the fleet file and the generator
//! - [`faults`]: what goes wrong
//! - [`journal`]: what happened
//! - [`Lab`]: the three systems at work

#![allow(clippy::disallowed_methods, reason = "a server is an adapter throughout: it reads clocks and files")]

mod admin;
mod automate;
mod clock;
mod condition;
mod control;
pub mod faults;
pub mod fleet;
mod ids;
pub mod journal;
mod lab;
mod machine;
mod rmm;
mod server;
mod totp;
mod wire;
mod world;

pub use self::clock::Clock;
pub use self::lab::{Lab, Options, StartError};
