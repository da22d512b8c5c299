//! Bad input of every kind, to the real binary. Each gets a clear error on the right side and
//! counts in a metric; nothing panics; the server goes on as if nothing had been.
//!
//! What cannot be said at all is not tested here: directions, throttles and ranges are integers,
//! so there is no NaN, and a client never names the ship that it commands. That a grid refuses
//! commands for somebody else's ship is part of the log in `script.rs`.

mod accounts;
mod raw;
mod start;
mod wire;

use std::sync::Arc;

use crate::players::{Account, Pilot};
use crate::process::{Folder, Server};

/// Proves that a server is well: a newcomer signs up, connects, undocks and sees the world.
async fn assert_well(folder: &Folder, server: &Server, newcomer: &str) {
    let healthy = ureq::get(format!("http://{}/readyz", server.http()))
        .call()
        .unwrap();
    assert_eq!(healthy.status().as_u16(), 200);
    let account = Account::sign_up(server, newcomer);
    let mut pilot = Pilot::connect(&account.ticket(server), &Arc::new(folder.content())).await;
    pilot.undock().await;
    pilot.player.leave().await;
}

/// A metric with some of its labels, and what it is to reach.
struct Expected {
    name: &'static str,
    labels: Vec<(&'static str, &'static str)>,
    least: f64,
}

/// Looks at some metrics before and after.
struct Watch<'a> {
    server: &'a Server,
    expected: Vec<Expected>,
}

impl<'a> Watch<'a> {
    /// Begins to watch a server's metrics.
    fn on(server: &'a Server) -> Self {
        let expected = Vec::new();
        Self { server, expected }
    }

    /// Expects a metric to grow by this from now on.
    fn expect(
        mut self,
        name: &'static str,
        labels: &[(&'static str, &'static str)],
        more: f64,
    ) -> Self {
        let least = self.server.metric(name, labels) + more;
        let labels = labels.to_vec();
        self.expected.push(Expected {
            name,
            labels,
            least,
        });
        self
    }

    /// Waits for what was expected.
    #[track_caller]
    fn fulfilled(self) {
        for Expected {
            name,
            labels,
            least,
        } in self.expected
        {
            self.server.metric_reaches(name, &labels, least);
        }
    }
}
