//! What a shard does beside its beats: images for checkpoints, measurements to look at.

use std::time::Instant;

use super::{ImageJob, Shard};
use crate::metrics::BeatPhase;

/// Images that may wait to be encoded.
const IMAGES_WAITING_MAX: usize = 64;

impl Shard {
    /// Sends images of grids away, to be written as checkpoints.
    pub(super) fn take_images(&mut self, all: bool) {
        let since = Instant::now();
        if !all && self.images.len() > IMAGES_WAITING_MAX {
            // The disk does not keep up: the journal holds everything until it does.
            self.metrics.checkpoints_skipped.increment();
            return;
        }
        for news in self.simulation.images(all) {
            let shard = self.shard;
            // The receiver outlives the shards; if it is gone the host is ending anyway.
            let _ = self.images.send(ImageJob { shard, news });
        }
        self.metrics
            .record_phase(BeatPhase::Checkpoint, since.elapsed());
    }

    /// Shows the slow measurements to whoever looks.
    pub(super) fn show(&mut self) {
        self.metrics.clients.set(self.clients.playing() as u64);
        self.metrics
            .connections
            .set(self.clients.edge.connections() as u64);
        self.metrics
            .grids
            .set(self.simulation.world().grids().len() as u64);
        self.metrics.copy_edge(self.clients.edge.counters());
        self.metrics.copy_sockets(self.shell.counters());
        let mut table = self.simulation.grid_table();
        self.pacer.show(&mut table, &self.metrics);
        self.metrics.publish_grids(table);
    }
}
