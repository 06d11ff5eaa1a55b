//! How a run is told to stop: first politely, then at once.
//!
//! Invariant: a run never goes back from a later state to an earlier one.

use tokio::sync::watch;

/// What a run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// Go on.
    Run,
    /// Begin no further action; finish and record what runs.
    Checkpoint,
    /// Stop at once; what runs is left without a result, and the next run detects it.
    Stop,
}

/// The sending end, held by whoever handles signals.
#[derive(Debug)]
pub struct Controller(watch::Sender<Demand>);

/// The receiving end, held by the run and each of its sessions.
#[derive(Debug, Clone)]
pub struct Control(watch::Receiver<Demand>);

/// Both ends.
#[must_use]
pub fn control() -> (Controller, Control) {
    let (sender, receiver) = watch::channel(Demand::Run);
    (Controller(sender), Control(receiver))
}

impl Controller {
    /// Asks for the next harder way to stop, and says which that is.
    #[must_use]
    pub fn harder(&self) -> Demand {
        self.0.send_modify(|demand| {
            *demand = match demand {
                Demand::Run => Demand::Checkpoint,
                Demand::Checkpoint | Demand::Stop => Demand::Stop,
            };
        });
        *self.0.borrow()
    }
}

impl Control {
    /// What is asked for now.
    #[must_use]
    pub fn demand(&self) -> Demand {
        *self.0.borrow()
    }

    /// Returns when a stop at once is asked for; never otherwise.
    pub async fn stopped(&mut self) {
        self.reached(Demand::Stop).await;
    }

    /// Waits until anything is asked: a checkpoint is enough.
    pub async fn asked(&mut self) {
        self.reached(Demand::Checkpoint).await;
    }

    async fn reached(&mut self, least: Demand) {
        if self.0.wait_for(|demand| *demand >= least).await.is_err() {
            // Whoever could have asked is gone, so nobody will.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_demand_checkpoints_and_the_second_stops() {
        let (controller, mut receiver) = control();
        assert_eq!(receiver.demand(), Demand::Run);
        assert_eq!(controller.harder(), Demand::Checkpoint);
        assert_eq!(controller.harder(), Demand::Stop);
        assert_eq!(controller.harder(), Demand::Stop);
        receiver.stopped().await;
    }
}
