//! The desk: the services' state, the store, and the way from a command to a durable answer.
//!
//! Reads the store, with everything that is on its way to the disk laid over it; writes through
//! the commit. One lock guards the services and what is on its way; it is never held while
//! waiting, and commands that change something hand their rows to the commit under it, so that
//! rows are written in the order in which commands were carried out.
//!
//! **Bound:** [`COMMITS_MAX`] changes under way; further ones wait their turn.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use orrery_base::{CharacterId, ClientId, ShardIndex, Tick};
use orrery_services::accounts::{Accounts, Limits};
use orrery_services::passwords::{Cost, Hasher};
use orrery_services::rows::Pending;
use orrery_services::throttle::Throttle;
use orrery_services::tokens::{self, Claims, Purpose, SealError, Sealer, TokenId, Tokens};
use orrery_services::whois::Whois;
use orrery_services::{Outbox, WallTime};
use orrery_storage::{Batch, ControlPort, ReceiptError, Store};
use tokio::sync::{Semaphore, oneshot, watch};

use super::backups::Backups;
use super::handle::ControlHandle;
use super::history::History;
use super::http::RateLimits;
use super::operator::OperatorKey;
use super::pool::PasswordPool;
use super::{Setup, StartError, world};
use crate::config::Config;
use crate::host::folder;
use crate::metrics::{PlacementKind, PlacementSource, Registry};
use crate::rules::context::SpaceContext;
use crate::shard::PlacementRequest;

/// Most changes under way to the disk. The commit takes 1,024 batches and has other guests.
pub(super) const COMMITS_MAX: usize = 256;

/// How long a web session lasts.
const SESSION_MS: u64 = 12 * 60 * 60 * 1_000;
/// Rows of expired tokens that are forgotten at a time.
const PRUNE_ROWS_MAX: usize = 2_000;
/// Seconds between two rounds of forgetting.
const PRUNE_INTERVAL_S: u64 = 10;
/// A shard that has done no beat for this long is not beating.
const BEAT_OVERDUE: Duration = Duration::from_secs(2);
/// How long the first write to the store may take.
const FIRST_WRITE_MAX: Duration = Duration::from_secs(30);

/// The services' state.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) accounts: Accounts,
    pub(super) tokens: Tokens,
    pub(super) throttle: Throttle,
    pub(super) whois: Whois,
    pub(super) online: Online,
    pub(super) pending: Pending,
}

/// Who plays, as far as shards have said. An admission whose client went before it heard of it
/// stays until its character comes again: good for showing, not for deciding.
#[derive(Debug, Default)]
pub(super) struct Online {
    clients: BTreeMap<CharacterId, ClientId>,
    characters: BTreeMap<ClientId, CharacterId>,
}

impl Online {
    pub(super) fn came(&mut self, character: CharacterId, client: ClientId) {
        if let Some(before) = self.clients.insert(character, client) {
            self.characters.remove(&before);
        }
        self.characters.insert(client, character);
    }

    pub(super) fn left(&mut self, client: ClientId) {
        if let Some(character) = self.characters.remove(&client) {
            self.clients.remove(&character);
        }
    }

    pub(super) fn has(&self, character: CharacterId) -> bool {
        self.clients.contains_key(&character)
    }
}

/// Why a change did not come about.
#[derive(Debug)]
pub(super) enum ChangeError<E> {
    /// The service refused.
    Refused(E),
    /// The rows are not durable, and nobody knows whether they will be.
    Store(String),
}

/// See the module.
pub(super) struct Desk {
    services: Mutex<Services>,
    history: Mutex<History>,
    turns: Semaphore,
    broken: AtomicBool,
    sealer: Sealer,
    pub(super) config: Arc<Config>,
    pub(super) store: Store,
    pub(super) port: ControlPort,
    pub(super) context: Arc<SpaceContext>,
    pub(super) metrics: Arc<Registry>,
    pub(super) handle: ControlHandle,
    pub(super) pool: PasswordPool,
    pub(super) operator: OperatorKey,
    pub(super) limits: RateLimits,
    pub(super) backups: Arc<Backups>,
    /// The content pack, as clients download it.
    pub(super) pack: Bytes,
    pub(super) certificate_sha256: [u8; 32],
    pub(super) quic_port: u16,
    pub(super) stop: Arc<AtomicBool>,
}

impl Desk {
    pub(super) fn open(setup: Setup, handle: ControlHandle) -> Result<Self, StartError> {
        let Setup {
            config,
            store,
            port,
            context,
            metrics,
            ..
        } = setup;
        let data = &config.server.data;
        let operator = OperatorKey::load_or_create(&folder::operator_key_path(data))?;
        let path = folder::pack_path(data);
        let pack = std::fs::read(&path).map_err(|source| StartError::Content { path, source })?;
        let services = Services {
            accounts: Accounts::load(&store, Limits::default(), world::start(&context))?,
            tokens: Tokens::load(&store)?,
            throttle: Throttle::default(),
            whois: Whois::default(),
            online: Online::default(),
            pending: Pending::default(),
        };
        let sealer = Sealer::new(&token_key(&store, &port)?);
        let cost = Cost {
            memory_kib: config.accounts.argon2_memory_kib,
            passes: config.accounts.argon2_passes,
            lanes: 1,
        };
        let hasher = Hasher::new(cost, &random()?)?;
        let pool =
            PasswordPool::start(hasher, config.accounts.argon2_threads, Arc::clone(&metrics))
                .map_err(StartError::System)?;
        Ok(Self {
            services: Mutex::new(services),
            history: Mutex::new(History::default()),
            turns: Semaphore::new(COMMITS_MAX),
            broken: AtomicBool::new(false),
            sealer,
            limits: RateLimits::new(&config.accounts),
            backups: Arc::default(),
            config,
            store,
            port,
            context,
            metrics,
            handle,
            pool,
            operator,
            pack: pack.into(),
            certificate_sha256: setup.certificate_sha256,
            quic_port: setup.quic_port,
            stop: setup.stop,
        })
    }

    /// The services, for as long as no waiting is involved.
    pub(super) fn services(&self) -> MutexGuard<'_, Services> {
        // A panic under the lock is a bug in a pure function whose state is unchanged or is
        // rewritten by the next command; the process has logged it.
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out a command and waits until what it wrote is durable. Whoever stops waiting
    /// changes nothing about it.
    pub(super) async fn change<T: Send + 'static, E: Send + 'static>(
        self: &Arc<Self>,
        command: impl FnOnce(&mut Services, &Store, &mut Outbox) -> Result<T, E>,
    ) -> Result<T, ChangeError<E>> {
        let stopped = |reason: &str| ChangeError::Store(reason.to_owned());
        if self.broken.load(Ordering::Acquire) {
            return Err(stopped("an earlier write was lost"));
        }
        let turn = self
            .turns
            .acquire()
            .await
            .map_err(|_| stopped("the server is ending"))?;
        let (value, receipt, number) = {
            let mut services = self.services();
            let mut out = Outbox::default();
            let value =
                command(&mut services, &self.store, &mut out).map_err(ChangeError::Refused)?;
            if out.writes.is_empty() {
                return Ok(value);
            }
            let number = services.pending.add(&out.writes);
            (value, self.port.commit(out.writes), number)
        };
        let (done, outcome) = oneshot::channel();
        let desk = Arc::clone(self);
        // In a task of its own: it has to settle even if the browser that waits goes away.
        tokio::spawn(async move {
            let result = receipt.await;
            match &result {
                Ok(()) => desk.services().pending.settle(number),
                Err(error) => desk.lost(error),
            }
            let _ = done.send(result);
        });
        let result = outcome.await;
        drop(turn);
        match result {
            Ok(Ok(())) => Ok(value),
            Ok(Err(error)) => Err(stopped(&error.to_string())),
            Err(_) => Err(stopped("the server is ending")),
        }
    }

    /// The services remember what the disk does not have: they must not go on.
    fn lost(&self, error: &ReceiptError) {
        if !self.broken.swap(true, Ordering::AcqRel) {
            tracing::error!(%error, "a change was not stored: accounts and log-ins are off");
        }
    }

    /// Whether clients may be let in, and if not, why: all reasons.
    pub(super) fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        if self.is_draining() {
            troubles.push("the server is draining".to_owned());
        }
        if let Some(failure) = self.port.durable().failed() {
            troubles.push(failure.to_string());
        }
        let behind = self.metrics.durable_lag_beats();
        if behind >= u64::from(self.config.durability.ahead_beats) {
            troubles.push(format!(
                "the disk is {behind} beats behind: the world waits"
            ));
        }
        if self.broken.load(Ordering::Acquire) {
            troubles.push("a change of accounts was not stored".to_owned());
        }
        for (index, shard) in self.metrics.shards().iter().enumerate() {
            match shard.since_last_beat() {
                None => troubles.push(format!("shard {index} has not begun to beat")),
                Some(since) if since > BEAT_OVERDUE => {
                    troubles.push(format!(
                        "shard {index} has not beaten for {} s",
                        since.as_secs()
                    ));
                }
                Some(_) => {}
            }
        }
        troubles
    }

    /// Asks a shard something about a grid that it has. Says whether there was room.
    pub(super) fn ask_placement(
        &self,
        shard: ShardIndex,
        request: PlacementRequest,
        source: PlacementSource,
    ) -> bool {
        let kind = match request {
            PlacementRequest::Move { .. } => PlacementKind::Move,
            PlacementRequest::Split { .. } => PlacementKind::Split,
            PlacementRequest::Merge { .. } => PlacementKind::Merge,
            PlacementRequest::Pace { .. } => PlacementKind::Pace,
            PlacementRequest::Fault { .. } => PlacementKind::Fault,
        };
        let is_asked = self.handle.ask_placement(shard, request);
        if is_asked {
            self.metrics.control().placement(source, kind);
        }
        is_asked
    }

    pub(super) fn is_draining(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Waits until a beat is durable and its rows are in the store: whatever shards had written by
    /// then can be read. No beat is waited for that nobody does any more.
    pub(super) async fn readable(&self, beat: Tick, most: Duration) -> bool {
        let since = Instant::now();
        let applied = self.port.applied();
        while applied.beat().unwrap_or_default() < beat {
            if since.elapsed() > most || applied.failed().is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// A sealed token and what it says.
    pub(super) fn issue(
        &self,
        purpose: Purpose,
        account: orrery_base::AccountId,
        character: CharacterId,
        lifetime_ms: u64,
    ) -> Result<(String, Claims), SealError> {
        let id = TokenId(random().map_err(|_: StartError| SealError)?);
        let claims = Claims {
            id,
            account,
            character,
            expires: now().plus_ms(lifetime_ms),
        };
        Ok((self.sealer.seal(purpose, &claims)?, claims))
    }

    /// The session token of an account.
    pub(super) fn issue_session(
        &self,
        account: orrery_base::AccountId,
    ) -> Result<(String, Claims), SealError> {
        self.issue(Purpose::Session, account, CharacterId::NONE, SESSION_MS)
    }

    /// What a token says, if it is ours and for this purpose.
    pub(super) fn open_token(&self, purpose: Purpose, token: &str) -> Option<Claims> {
        self.sealer.open(purpose, token)
    }

    /// Where QUIC listens, for a client whose HTTP connection came to `local`: the addresses
    /// that are bound, and where every address is bound, the one that the client has reached.
    pub(super) fn quic_addresses(&self, local: IpAddr) -> Vec<SocketAddr> {
        let server = &self.config.server;
        let local = local.to_canonical();
        let mut addresses = Vec::new();
        for bound in [server.ipv4.map(IpAddr::V4), server.ipv6.map(IpAddr::V6)]
            .into_iter()
            .flatten()
        {
            if !bound.is_unspecified() {
                addresses.push(SocketAddr::new(bound, self.quic_port));
            } else if bound.is_ipv4() == local.is_ipv4() {
                addresses.insert(0, SocketAddr::new(local, self.quic_port));
            }
        }
        addresses
    }
}

/// Looks after what nobody asks for: the status page's history, expired tokens, old limits.
pub(super) async fn keep_house(desk: Arc<Desk>, mut ended: watch::Receiver<bool>) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut seconds = 0_u64;
    loop {
        tokio::select! {
            _ = second.tick() => {}
            _ = ended.wait_for(|ended| *ended) => return,
        }
        seconds += 1;
        desk.history().note(&desk.metrics);
        let remembered = desk.services().tokens.len();
        desk.metrics
            .control()
            .tokens_remembered
            .set(remembered as u64);
        if seconds.is_multiple_of(PRUNE_INTERVAL_S) {
            desk.limits.forget_old();
            let command = tokens::Command::Prune {
                rows_max: PRUNE_ROWS_MAX,
            };
            let pruned = desk
                .change(|services, _, out| services.tokens.handle(now(), &command, out))
                .await;
            if let Err(ChangeError::Store(reason)) = pruned {
                tracing::debug!(reason, "expired tokens are kept");
            }
        }
    }
}

/// The key that seals tokens; made when there is none.
fn token_key(store: &Store, port: &ControlPort) -> Result<[u8; 32], StartError> {
    if let Some(key) = tokens::load_key(store)? {
        return Ok(key);
    }
    let key = random()?;
    let mut batch = Batch::new();
    tokens::write_key(&key, &mut batch);
    port.commit(batch).wait(FIRST_WRITE_MAX)?;
    Ok(key)
}

/// Bytes from the operating system.
fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StartError::System(io::Error::other(error)))?;
    Ok(bytes)
}

/// The time of day.
pub(super) fn now() -> WallTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    WallTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
