//! A repository whose links lead into a lab of its own, which ends with it.

use std::path::Path;

use muster_lab::fleet::{Fleet, System};
use muster_lab::{Lab, Options};

use super::muster::{Ran, Running, World, finish};

/// A world and the lab that its links lead to.
pub(crate) struct LabWorld {
    pub(crate) world: World,
    pub(crate) lab: Lab,
    /// Serves the lab; ends after it.
    runtime: tokio::runtime::Runtime,
}

impl LabWorld {
    /// The repository of `examples/connectwise`, with the fleet that is made for it.
    pub(crate) fn example() -> Self {
        Self::new(World::example("connectwise"), fleet("connectwise"))
    }

    /// A world whose providers name the ports 18040 (Control), 18041 (Automate) and 18042 (RMM), which become the lab's own.
    pub(crate) fn new(world: World, fleet: Fleet) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let options = Options { folder: Some(world.path("lab")), ..Options::default() };
        let lab = runtime.block_on(Lab::start(fleet, options)).unwrap();
        let made = Self { world, lab, runtime };
        for (name, system, port) in [
            ("control", System::Control, 18040),
            ("automate", System::Automate, 18041),
            ("rmm", System::Rmm, 18042),
        ] {
            let file = format!("providers/{name}.yaml");
            if made.world.repo().join(&file).exists() {
                let text = made.world.repo_file(&file);
                let address = format!("http://127.0.0.1:{port}");
                assert!(text.contains(&address), "{file} has no {address}");
                made.world.write(&file, &text.replace(&address, &made.lab.url(system)));
            }
        }
        made
    }

    /// The lab's fleet becomes another one, with everything that happened to it meanwhile. The systems are then at other ports,
    /// and the providers' files name those.
    pub(crate) fn becomes(&mut self, fleet: Fleet) {
        let options = Options { folder: Some(self.world.path("lab")), ..Options::default() };
        let lab = self.runtime.block_on(Lab::start(fleet, options)).unwrap();
        for (name, system) in
            [("control", System::Control), ("automate", System::Automate), ("rmm", System::Rmm)]
        {
            let file = format!("providers/{name}.yaml");
            let text = self.world.repo_file(&file);
            self.world.write(&file, &text.replace(&self.lab.url(system), &lab.url(system)));
        }
        self.lab = lab;
    }

    /// Runs the program in the repository, with the lab's credentials in its environment.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.world.command(arguments).envs(self.lab.environment()))
    }

    /// Starts it and goes on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::new(self.world.command(arguments).envs(self.lab.environment()).spawn().unwrap())
    }
}

/// A fleet of `lab/fleets`.
pub(crate) fn fleet(name: &str) -> Fleet {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("lab/fleets/{name}.yaml"));
    Fleet::read(&std::fs::read_to_string(file).unwrap()).unwrap()
}
