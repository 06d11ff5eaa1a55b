//! Repositories whose computers are behind ConnectWise, against the lab: the program as users run it.

mod canary;
mod policies;
mod quiet;
mod tour;
