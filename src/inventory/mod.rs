//! The inventory: what is known of the computers, and which records are the same computer.

pub mod facts;
pub mod identify;
