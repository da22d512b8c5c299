//! What is in a store after a loss of power, compared with what the writer must have put there.

use std::path::Path;

use anyhow::{Context as _, ensure};
use orrery_base::Tick;
use orrery_storage::{Domain, KeyRange, Rows, Store, audit, journal};

use crate::writer::{added, added_key};
use crate::{SHARDS, options};

/// Opens the store, as a restart does, and checks that it is whole: exactly the rows of all beats
/// up to the last, the journal up to it, and its own structure. The last beat; 0 if there is none.
///
/// # Errors
/// Whatever is not as it has to be.
pub(crate) fn last_beat(folder: &Path, sync: bool) -> anyhow::Result<u64> {
    let mut options = options(sync);
    // One that never became durable is a loss, and not to be made anew.
    options.create = false;
    let store = Store::open(folder, &options).context("open the store")?;
    let last = store.at_open().last_beat.map_or(0, |beat| beat.0);
    let mut expected = (1..=last).flat_map(|beat| (0..SHARDS).map(move |shard| (beat, shard)));
    for row in store.range(Domain::Character, KeyRange::all()) {
        let row = row.context("read a row")?;
        let next = expected.next();
        let (beat, shard) = next.with_context(|| format!("a row after beat {last}"))?;
        ensure!(
            row.key == added_key(beat, shard) && row.value == added(beat, shard),
            "the row of beat {beat} and shard {shard} is missing or differs"
        );
    }
    ensure!(
        expected.next().is_none(),
        "rows before beat {last} are missing"
    );
    for shard in 0..SHARDS {
        let newest = store.get(Domain::Ship, &shard.to_be_bytes())?;
        let is_right = newest.is_none_or(|value| value == last.to_be_bytes());
        ensure!(
            is_right,
            "the newest row of shard {shard} is not of beat {last}"
        );
    }
    let tokens = store.count(Domain::Token, KeyRange::all())?;
    ensure!(
        tokens == u64::from(last > 0),
        "{tokens} tokens instead of one"
    );
    let journal = journal::span(store.log(), Tick(last)).context("read the journal")?;
    let end = journal.map_or(0, |(_, end)| end.beat.0);
    ensure!(end == last, "the journal ends at {end} instead of {last}");
    let report = audit::structure(&store);
    ensure!(report.is_sound(), "the audit finds:\n{report}");
    Ok(last)
}
