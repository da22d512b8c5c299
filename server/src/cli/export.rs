//! `orrery export`: what happened to value, as Parquet, for whoever counts elsewhere.
//!
//! Changes no file of the store, so it may look on beside a running server; what that has not
//! written yet is not seen.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use orrery_base::value::TransferReason;
use orrery_base::{CharacterId, Tick};
use orrery_services::custody::history::Past;
use orrery_services::custody::{AccountKind, Commodity, PartitionIndex, log};
use orrery_services::economy;
use orrery_storage::{Store, StoreOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::record::RecordWriter;
use parquet_derive::ParquetRecordWriter;

use super::names::{Names, spec};
use super::progress;
use crate::config::Config;
use crate::host::folder;

/// Rows of a row group, which are in memory together.
const GROUP_ROWS: usize = 65_536;
/// The last beat that an entry can name.
const BEAT_END: u64 = 1 << 34;

/// What to export, and where to.
#[derive(Args)]
pub(super) struct ExportArgs {
    /// What.
    what: What,
    /// The file to write; it must not exist.
    file: PathBuf,
    /// The data folder.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The first beat.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The beat after the last one.
    #[arg(long, default_value_t = BEAT_END)]
    to: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Every transfer, a row each. One between two partitions has two rows: where the value left
    /// and where it arrived.
    Transfers,
    /// What characters did, a row for each character and reason.
    Characters,
}

/// A transfer.
#[derive(ParquetRecordWriter)]
struct TransferRow {
    beat: i64,
    partition: i32,
    number: i32,
    unix_ms: i64,
    from: String,
    to: String,
    /// Zero for money.
    type_id: i32,
    commodity: String,
    /// Units, or cents.
    quantity: i64,
    item: i64,
    onto: i64,
    actor: i64,
    reason: String,
    reference: i64,
    memo: String,
}

/// What a character did for one reason.
#[derive(ParquetRecordWriter)]
struct CharacterRow {
    character: i64,
    name: String,
    reason: String,
    transfers: i64,
    cents_in: i64,
    cents_out: i64,
    units_in: i64,
    units_out: i64,
    first_unix_ms: i64,
    last_unix_ms: i64,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    transfers: u64,
    cents: [u64; 2],
    units: [u64; 2],
    first_unix_ms: u64,
    last_unix_ms: u64,
}

pub(super) fn run(config: &Config, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let data = args.data.as_ref().unwrap_or(&config.server.data);
    let end = args.to.min(BEAT_END);
    ensure!(
        args.from < end,
        "there is no beat from {} to before {end}",
        args.from
    );
    let options = StoreOptions {
        create: false,
        read_only: true,
        ..StoreOptions::default()
    };
    let store = Store::open(folder::store_path(data), &options)?;
    let export = Export {
        store: &store,
        partitions: economy::partitions(&store)?,
        beats: Tick(args.from)..Tick(end),
    };
    let mut names = Names::new(&store, data);
    let rows = match args.what {
        What::Transfers => export.transfers(&mut names, &args.file)?,
        What::Characters => export.characters(&mut names, &args.file)?,
    };
    super::print(&format!("{rows} rows in {}\n", args.file.display()))?;
    Ok(ExitCode::SUCCESS)
}

struct Export<'a> {
    store: &'a Store,
    partitions: u16,
    beats: std::ops::Range<Tick>,
}

impl Export<'_> {
    /// Every entry, partition by partition.
    fn each(&self, mut take: impl FnMut(Past) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let bar = progress::bar("export");
        for partition in 0..self.partitions {
            bar.update(partition.into(), self.partitions.into());
            for past in log::entries(self.store, PartitionIndex(partition), self.beats.clone()) {
                take(past?)?;
            }
        }
        bar.finish();
        Ok(())
    }

    fn transfers(&self, names: &mut Names<'_>, file: &Path) -> anyhow::Result<u64> {
        let mut table = Table::create(file)?;
        self.each(|past| table.push(transfer_row(&past, names)))?;
        table.finish()
    }

    fn characters(&self, names: &mut Names<'_>, file: &Path) -> anyhow::Result<u64> {
        let mut tallies: BTreeMap<(CharacterId, u8), Tally> = BTreeMap::new();
        self.each(|past| {
            count(&mut tallies, &past, self.partitions);
            Ok(())
        })?;
        let mut table = Table::create(file)?;
        for ((character, reason), tally) in tallies {
            table.push(CharacterRow {
                character: character.0.cast_signed(),
                name: names.character(character),
                reason: reason_name(reason),
                transfers: tally.transfers.cast_signed(),
                cents_in: tally.cents[0].cast_signed(),
                cents_out: tally.cents[1].cast_signed(),
                units_in: tally.units[0].cast_signed(),
                units_out: tally.units[1].cast_signed(),
                first_unix_ms: tally.first_unix_ms.cast_signed(),
                last_unix_ms: tally.last_unix_ms.cast_signed(),
            })?;
        }
        table.finish()
    }
}

/// Counts a transfer for the owners of both its accounts: what came, and what went.
fn count(tallies: &mut BTreeMap<(CharacterId, u8), Tally>, past: &Past, partitions: u16) {
    let entry = &past.entry;
    let sides = [&entry.to, &entry.from];
    for (side, account) in sides.into_iter().enumerate() {
        let is_characters = matches!(
            account.kind,
            AccountKind::Wallet | AccountKind::Hangar | AccountKind::Cargo | AccountKind::Helm
        );
        // The same transfer seen from the receiver's partition counts for the receiver alone.
        let is_here = account.home(partitions) == past.at.partition();
        if !is_characters || !is_here {
            continue;
        }
        let key = (CharacterId(account.owner), entry.reason);
        let tally = tallies.entry(key).or_insert(Tally {
            first_unix_ms: u64::MAX,
            ..Tally::default()
        });
        tally.transfers += 1;
        let sum = match entry.commodity {
            Commodity::Coin => &mut tally.cents[side],
            Commodity::Type(_) => &mut tally.units[side],
        };
        *sum = sum.saturating_add(entry.quantity);
        tally.first_unix_ms = tally.first_unix_ms.min(past.time.0);
        tally.last_unix_ms = tally.last_unix_ms.max(past.time.0);
    }
}

fn transfer_row(past: &Past, names: &Names<'_>) -> TransferRow {
    let (at, entry) = (past.at, &past.entry);
    TransferRow {
        beat: at.tick().0.cast_signed(),
        partition: at.partition().0.into(),
        number: at.number().cast_signed(),
        unix_ms: past.time.0.cast_signed(),
        from: spec(&entry.from),
        to: spec(&entry.to),
        type_id: entry.commodity.number().cast_signed(),
        commodity: match entry.commodity {
            Commodity::Coin => "money".to_owned(),
            Commodity::Type(type_id) => names.type_name(type_id),
        },
        quantity: entry.quantity.cast_signed(),
        item: entry.item.0.cast_signed(),
        onto: entry.onto.0.cast_signed(),
        actor: entry.actor.0.cast_signed(),
        reason: reason_name(entry.reason),
        reference: entry.reference.cast_signed(),
        memo: past.memo.clone(),
    }
}

fn reason_name(number: u8) -> String {
    TransferReason::from_number(number).map_or_else(
        || format!("Reason{number}"),
        |reason| reason.name().to_owned(),
    )
}

/// A Parquet file that is being written, a group of rows at a time.
struct Table<R> {
    writer: Option<SerializedFileWriter<BufWriter<File>>>,
    file: Option<BufWriter<File>>,
    group: Vec<R>,
    rows: u64,
}

impl<R> Table<R>
where
    for<'a> &'a [R]: RecordWriter<R>,
{
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create_new(path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self {
            writer: None,
            file: Some(BufWriter::new(file)),
            group: Vec::with_capacity(GROUP_ROWS),
            rows: 0,
        })
    }

    fn push(&mut self, row: R) -> anyhow::Result<()> {
        self.group.push(row);
        self.rows += 1;
        if self.group.len() == GROUP_ROWS {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        let rows = self.group.as_slice();
        if let Some(file) = self.file.take() {
            let level = ZstdLevel::try_new(3).context("a level of zstd")?;
            let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level));
            let writer =
                SerializedFileWriter::new(file, rows.schema()?, Arc::new(properties.build()))?;
            self.writer = Some(writer);
        }
        if let Some(writer) = &mut self.writer
            && !rows.is_empty()
        {
            let mut group = writer.next_row_group()?;
            rows.write_to_row_group(&mut group)?;
            group.close()?;
        }
        self.group.clear();
        Ok(())
    }

    /// Writes what is left. Returns how many rows there are.
    fn finish(mut self) -> anyhow::Result<u64> {
        self.write_group()?;
        if let Some(writer) = self.writer {
            writer.close().context("end the file")?;
        }
        Ok(self.rows)
    }
}
