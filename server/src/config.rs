//! The server's configuration: defaults, then a TOML file, then `ORRERY__SECTION__KEY`
//! environment variables, then the command line. An unknown key is an error that names it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail, ensure};
use orrery_base::Tick;
use orrery_storage::log::LogOptions;
use orrery_storage::{CommitOptions, StoreOptions};
use serde::Deserialize;

/// Everything that an operator can set. `docs/operations.md` explains each key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Addresses, folders, shards.
    pub server: ServerConfig,
    /// What clients get and how much.
    pub edge: EdgeSection,
    /// Checkpoints and journal.
    pub durability: DurabilityConfig,
    /// Accounts, passwords, tokens, rate limits.
    pub accounts: AccountsConfig,
    /// Grids on shards.
    pub balance: BalanceConfig,
}

/// Addresses, folders, shards.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// UDP port for QUIC, the same for IPv4 and IPv6; 0 takes a free one.
    pub port: u16,
    /// IPv4 address to listen on; an empty string in the file turns IPv4 off.
    #[serde(deserialize_with = "optional_address")]
    pub ipv4: Option<Ipv4Addr>,
    /// IPv6 address to listen on; an empty string turns IPv6 off.
    #[serde(deserialize_with = "optional_address")]
    pub ipv6: Option<Ipv6Addr>,
    /// TCP address of the web pages, the REST interface and the metrics.
    pub http: SocketAddr,
    /// Where the store, the certificate and the keys live.
    pub data: PathBuf,
    /// Shards, one pinned core each; 0 means one per core, at least two.
    pub shards: u16,
    /// PEM files of a real certificate; without them a development certificate is made.
    pub certificate: Option<PathBuf>,
    /// PEM file of the certificate's key.
    pub certificate_key: Option<PathBuf>,
    /// Whether an operator may make grids fail, to see them restored. For tests only.
    pub allow_faults: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            port: 7777,
            ipv4: Some(Ipv4Addr::UNSPECIFIED),
            ipv6: Some(Ipv6Addr::UNSPECIFIED),
            http: SocketAddr::from(([127, 0, 0, 1], 7780)),
            data: PathBuf::from("data"),
            shards: 0,
            certificate: None,
            certificate_key: None,
            allow_faults: false,
        }
    }
}

impl ServerConfig {
    /// What no range says.
    fn validate(&self) -> anyhow::Result<()> {
        ensure!(
            self.ipv4.is_some() || self.ipv6.is_some(),
            "server.ipv4 and server.ipv6 are both off: nobody could connect"
        );
        ensure!(
            self.certificate.is_some() == self.certificate_key.is_some(),
            "server.certificate and server.certificate_key go together"
        );
        Ok(())
    }
}

/// What clients get and how much.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeSection {
    /// Clients that may be connected at once.
    pub max_clients: u32,
    /// Beats between two snapshots for one client; 2 is fifteen a second.
    pub snapshot_interval_beats: u8,
    /// Bytes of one snapshot datagram, header included; 200..=1200.
    pub snapshot_bytes: u16,
    /// How far a ship sees, metres; 1,000..=5,000,000.
    pub sight_m: u32,
    /// Entities that a client may have in sight at once; the nearest count. 1..=4096.
    pub sight_entities: u16,
    /// Commands that one client may send in a second, sustained.
    pub commands_per_second: u32,
}

impl Default for EdgeSection {
    fn default() -> Self {
        Self {
            max_clients: 4_000,
            snapshot_interval_beats: 2,
            snapshot_bytes: 1_150,
            sight_m: 150_000,
            sight_entities: 255,
            commands_per_second: 20,
        }
    }
}

/// Checkpoints and journal.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DurabilityConfig {
    /// Beats between two checkpoints of all motion.
    pub checkpoint_interval_beats: u32,
    /// Beats of journal that are kept for replay; older ones are pruned at a checkpoint.
    pub keep_beats: u32,
    /// Whether a commit waits for the disk. Without it a power loss may take acknowledged
    /// value with it; for experiments only.
    pub sync: bool,
    /// Beats that a shard may be ahead of the disk; then the world waits for it. 2..=10,000.
    pub ahead_beats: u32,
    /// MiB of rows and records that a shard may be ahead of the disk; 1..=4,096.
    pub ahead_mib: u32,
    /// MiB of durable rows that may wait for RocksDB; then commits wait for it. 1..=4,096.
    pub rows_waiting_mib: u32,
    /// MiB of a segment of the beat log before compression; 1..=1,024.
    pub log_segment_mib: u32,
    /// MiB on disk of the whole log beyond what a recovery needs; 16..=1,048,576.
    pub log_keep_mib: u32,
    /// Seconds between two audits of all value in the running store; zero for none. 0..=604,800.
    pub audit_interval_s: u32,
}

impl Default for DurabilityConfig {
    fn default() -> Self {
        Self {
            checkpoint_interval_beats: 300,
            keep_beats: 9_000,
            sync: true,
            ahead_beats: 64,
            ahead_mib: 64,
            rows_waiting_mib: 128,
            log_segment_mib: 64,
            log_keep_mib: 8_192,
            audit_interval_s: 900,
        }
    }
}

impl DurabilityConfig {
    fn validate(
        &self,
        range: impl Fn(&str, u32, u32, u32) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let interval = self.checkpoint_interval_beats;
        range(
            "durability.checkpoint_interval_beats",
            interval,
            30,
            100_000,
        )?;
        range(
            "durability.keep_beats",
            self.keep_beats,
            interval,
            10_000_000,
        )?;
        range("durability.ahead_beats", self.ahead_beats, 2, 10_000)?;
        range("durability.ahead_mib", self.ahead_mib, 1, 4_096)?;
        let waiting = self.rows_waiting_mib;
        range("durability.rows_waiting_mib", waiting, 1, 4_096)?;
        range("durability.log_segment_mib", self.log_segment_mib, 1, 1_024)?;
        let keep = self.log_keep_mib;
        range("durability.log_keep_mib", keep, 16, 1_024 * 1_024)?;
        let audit = self.audit_interval_s;
        range("durability.audit_interval_s", audit, 0, 604_800)
    }

    /// How beats are committed, from `first` on.
    #[must_use]
    pub fn commit_options(&self, first: Tick) -> CommitOptions {
        CommitOptions {
            first_beat: Some(first),
            beats_waiting_max: self.ahead_beats as usize,
            bytes_waiting_max: mebibytes(self.ahead_mib),
            apply_bytes_max: mebibytes(self.rows_waiting_mib),
            ..CommitOptions::default()
        }
    }

    /// How the server opens its store, which must be there.
    #[must_use]
    pub fn store_options(&self) -> StoreOptions {
        StoreOptions {
            create: false,
            sync: self.sync,
            log: LogOptions {
                segment_bytes: u64::from(self.log_segment_mib) << 20,
                keep_bytes: u64::from(self.log_keep_mib) << 20,
                ..LogOptions::default()
            },
            ..StoreOptions::default()
        }
    }
}

fn mebibytes(count: u32) -> usize {
    (count as usize) << 20
}

/// Accounts, passwords, tokens, rate limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// Argon2id memory, KiB.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_passes: u32,
    /// Password hashes computed at once, off the simulation's cores.
    pub argon2_threads: u16,
    /// How long a game token may be redeemed, seconds; 5..=300.
    pub game_token_seconds: u32,
    /// Requests that one address may make in a minute, sustained.
    pub requests_per_minute: u32,
    /// Sign-ups and logins that one address may make in a minute, sustained.
    pub logins_per_minute: u32,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            argon2_memory_kib: 19 * 1024,
            argon2_passes: 2,
            argon2_threads: 1,
            game_token_seconds: 30,
            requests_per_minute: 300,
            logins_per_minute: 20,
        }
    }
}

/// Grids on shards.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BalanceConfig {
    /// Whether grids are moved, split and merged as their costs demand.
    pub enabled: bool,
    /// Between two decisions, milliseconds; 500..=600,000.
    pub interval_ms: u32,
    /// Share of a beat, thousandths, from which on a grid is split; it is merged below half of
    /// that. 50..=1,000.
    pub split_per_mille: u16,
    /// A grid with fewer entities is not split, whatever it costs.
    pub split_entities: u32,
    /// Load of the fullest shard, thousandths of a beat, below which no grid is moved: there is
    /// nothing to gain. 0..=1,000.
    pub move_per_mille: u16,
    /// By how much moves must relieve the fullest shard to be worth it, thousandths of its load;
    /// 10..=1,000.
    pub gain_per_mille: u16,
    /// Beats for which a grid is left alone after a change; 30..=1,000,000.
    pub rest_beats: u32,
}

impl Default for BalanceConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_ms: 2_000,
            split_per_mille: 400,
            split_entities: 256,
            move_per_mille: 100,
            gain_per_mille: 150,
            rest_beats: 300,
        }
    }
}

impl BalanceConfig {
    fn validate(
        &self,
        range: impl Fn(&str, u32, u32, u32) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (split, gain) = (self.split_per_mille.into(), self.gain_per_mille.into());
        range("balance.interval_ms", self.interval_ms, 500, 600_000)?;
        range("balance.split_per_mille", split, 50, 1_000)?;
        range(
            "balance.move_per_mille",
            self.move_per_mille.into(),
            0,
            1_000,
        )?;
        range("balance.gain_per_mille", gain, 10, 1_000)?;
        range("balance.rest_beats", self.rest_beats, 30, 1_000_000)
    }
}

impl Config {
    /// Reads the defaults, a file if one is named (or `orrery.toml` if it is there), and the
    /// environment.
    ///
    /// # Errors
    /// If the file cannot be read, a key is unknown, or a value is of the wrong type or range.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            ensure!(
                file.is_file(),
                "read configuration: there is no file {}",
                file.display()
            );
            builder = builder.add_source(config::File::from(file));
        } else {
            builder = builder.add_source(config::File::with_name("orrery").required(false));
        }
        builder = builder.add_source(
            config::Environment::with_prefix("ORRERY")
                .prefix_separator("__")
                .separator("__")
                .try_parsing(true),
        );
        let config: Self = builder
            .build()
            .context("read configuration")?
            .try_deserialize()
            .context("understand configuration")?;
        config.validate()?;
        Ok(config)
    }

    /// Checks the ranges that the fields' documentation states.
    ///
    /// # Errors
    /// The first value that is out of range, with its key.
    pub fn validate(&self) -> anyhow::Result<()> {
        let range = |key: &str, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                bail!("{key} = {value} is outside of {low}..={high}")
            }
        };
        let ranges: [(&str, u32, u32, u32); 13] = [
            (
                "edge.snapshot_interval_beats",
                self.edge.snapshot_interval_beats.into(),
                1,
                30,
            ),
            (
                "edge.snapshot_bytes",
                self.edge.snapshot_bytes.into(),
                200,
                1_200,
            ),
            ("edge.sight_m", self.edge.sight_m, 1_000, 5_000_000),
            (
                "edge.sight_entities",
                self.edge.sight_entities.into(),
                1,
                4_096,
            ),
            ("edge.max_clients", self.edge.max_clients, 1, 100_000),
            (
                "edge.commands_per_second",
                self.edge.commands_per_second,
                1,
                1_000,
            ),
            (
                "accounts.game_token_seconds",
                self.accounts.game_token_seconds,
                5,
                300,
            ),
            (
                "accounts.argon2_memory_kib",
                self.accounts.argon2_memory_kib,
                8,
                4 * 1024 * 1024,
            ),
            (
                "accounts.argon2_passes",
                self.accounts.argon2_passes,
                1,
                100,
            ),
            (
                "accounts.argon2_threads",
                self.accounts.argon2_threads.into(),
                1,
                256,
            ),
            (
                "accounts.requests_per_minute",
                self.accounts.requests_per_minute,
                1,
                1_000_000,
            ),
            (
                "accounts.logins_per_minute",
                self.accounts.logins_per_minute,
                1,
                1_000_000,
            ),
            ("server.shards", self.server.shards.into(), 0, 64),
        ];
        for (key, value, low, high) in ranges {
            range(key, value, low, high)?;
        }
        self.durability.validate(range)?;
        self.balance.validate(range)?;
        self.server.validate()
    }

    /// The number of shards to run: as configured, or one per core and at least two.
    #[must_use]
    pub fn shards(&self) -> u16 {
        if self.server.shards > 0 {
            return self.server.shards;
        }
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        u16::try_from(cores).unwrap_or(u16::MAX).clamp(2, 64)
    }
}

/// Reads an address, or an empty string for none.
fn optional_address<'de, D, A>(deserializer: D) -> Result<Option<A>, D::Error>
where
    D: serde::Deserializer<'de>,
    A: FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_unknown_keys_are_named() {
        Config::default().validate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("orrery.toml");
        std::fs::write(&file, "[edge]\nsnapshot_byte = 3\n").unwrap();
        let error = format!("{:#}", Config::load(Some(&file)).unwrap_err());
        assert!(error.contains("snapshot_byte"), "{error}");
        std::fs::write(&file, "[edge]\nsnapshot_bytes = 3\n").unwrap();
        let error = format!("{:#}", Config::load(Some(&file)).unwrap_err());
        assert!(error.contains("edge.snapshot_bytes = 3"), "{error}");
        std::fs::write(&file, "[server]\nshards = 3\n").unwrap();
        assert_eq!(Config::load(Some(&file)).unwrap().shards(), 3);
    }
}
