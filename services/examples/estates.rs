//! What property costs: `cargo run --release --workspace --example estates -- 100000`.
//!
//! Gives so many characters a hundred stacks each, in a store on disk, closes it, opens it again,
//! and takes the accounts of ten thousand of them into memory, as a server does when they come to
//! play. Prints what that takes on disk, in memory, and in time.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]
#![allow(
    clippy::disallowed_methods,
    reason = "a measurement needs a clock; nothing depends on it"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use orrery_base::value::TransferReason;
use orrery_base::{CharacterId, EntityId, Tick, TypeId};
use orrery_services::WallTime;
use orrery_services::custody::{
    self, Account, Cause, Ledger, Minted, PartitionIndex, Stored, home_of, read_account,
};
use orrery_storage::{Batch, Store, StoreOptions};

const PARTITIONS: u16 = 32;
const STACKS: u32 = 100;
const ACTIVE: u64 = 10_000;
/// Characters of one beat.
const BEAT: u64 = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1);
    let characters: u64 = argument.map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir_in(".")?;
    let path = folder.path().join("store");
    let begin = Instant::now();
    let store = Store::open(&path, &StoreOptions::default())?;
    give(&store, characters)?;
    drop(store);
    let bytes = size_of(&path)?;
    println!(
        "{characters} characters with {STACKS} stacks each: {:.2} GB on disk, {} bytes for each \
         character, {} for each stack with its history; written in {:.0} s",
        bytes as f64 / 1e9,
        bytes / characters,
        bytes / (characters * u64::from(STACKS)),
        begin.elapsed().as_secs_f64(),
    );
    let store = Store::open(&path, &StoreOptions::default())?;
    let before = resident()?;
    let begin = Instant::now();
    let mut ledgers = ledgers(&store)?;
    let active = ACTIVE.min(characters);
    // Spread over all of them, as players are.
    let every = characters / active;
    for character in (0..active).map(|place| CharacterId(1 + place * every)) {
        let home = home_of(character.0, PARTITIONS);
        let ledger = ledgers.get_mut(&home).expect("every partition has one");
        ledger.activate(read_account(&store, home, Account::wallet(character))?);
        ledger.activate(read_account(&store, home, hangar(character))?);
    }
    let took = begin.elapsed();
    println!(
        "{active} of them active: {:.0} MB of memory, with the store's cache; read in {:.2} s, \
         {:.0} µs each",
        (resident()? - before) as f64 / 1e6,
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / active as f64,
    );
    Ok(())
}

const fn hangar(character: CharacterId) -> Account {
    Account::hangar(character, EntityId(1))
}

fn ledgers(store: &Store) -> Result<BTreeMap<PartitionIndex, Ledger>, Box<dyn std::error::Error>> {
    let indices = (0..PARTITIONS).map(PartitionIndex);
    indices
        .map(|index| Ok((index, custody::load(store, index)?)))
        .collect()
}

fn give(store: &Store, characters: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut ledgers = ledgers(store)?;
    let mut batch = Batch::new();
    for (beat, first) in (1..).zip((1..=characters).step_by(BEAT as usize)) {
        for ledger in ledgers.values_mut() {
            ledger.begin(Tick(beat), WallTime(1_800_000_000_000 + beat * 33));
        }
        for character in (first..=characters).take(BEAT as usize).map(CharacterId) {
            let home = home_of(character.0, PARTITIONS);
            let ledger = ledgers.get_mut(&home).expect("every partition has one");
            let (wallet, hangar) = (Account::wallet(character), hangar(character));
            ledger.activate(Stored::empty(wallet));
            ledger.activate(Stored::empty(hangar));
            let cause = Cause {
                actor: character,
                reason: TransferReason::StartingGrant,
                reference: 0,
            };
            let faucet = Account::faucet(1, home);
            let money = Minted::Coins(1_000_000);
            let minted = ledger.mint(faucet, wallet, money, cause);
            minted.map_err(|code| code.sentence())?;
            for kind in 0..STACKS {
                let units = Minted::Units(TypeId(1_000 + kind), 1 + character.0 % 5_000);
                let minted = ledger.mint(faucet, hangar, units, cause);
                minted.map_err(|code| code.sentence())?;
            }
        }
        for ledger in ledgers.values_mut() {
            ledger.write(&mut batch);
            ledger.evict(Tick(beat + 1), Tick(beat), usize::MAX, &mut Vec::new());
        }
        store.write(&batch)?;
        batch.clear();
    }
    Ok(())
}

fn size_of(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        bytes += match kind.is_dir() {
            true => size_of(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}

/// Bytes of memory that this process has.
fn resident() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.ok_or("no VmRSS")?.parse::<u64>()? * 1_024)
}
