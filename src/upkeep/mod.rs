//! Upkeep of what Muster works through: the session database of a ConnectWise Control (ScreenConnect) server.
//!
//! Such a server keeps every command that was sent to a computer, and every response, for as long as nobody tells it
//! otherwise, and grows slow with them. This module finds out what the file holds, plans which commands and responses go,
//! and carries such a plan out. It is not the server's own maintenance, which needs no help once it is set up ([`advice`]).
//!
//! [`instant`], [`event`], [`header`], [`shape`], [`survey`], [`order`], [`copy`] and [`advice`] decide; [`database`] is
//! the seam to a file, [`session_db`] the file itself, and [`clean`] does the work.
//!
//! Invariants: only rows of the two classes of [`event::Class`] ever change; a row whose time is not understood stays as
//! it is; what is decided of a row is decided from the row as it stands in the transaction that changes it.

pub mod advice;
pub mod clean;
pub mod copy;
pub mod database;
pub mod event;
pub mod header;
pub mod instant;
pub mod order;
pub mod session_db;
pub mod shape;
pub mod survey;
