//! Repositories whose computers are behind ConnectWise, against the lab: the program as users run it.

mod canary;
mod five_hundred;
mod policies;
mod properties;
mod quiet;
mod tour;
mod truth;
mod updates;
