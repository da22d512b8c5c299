//! Kills a server under traders who lie, and reconciles what they were told with what it has.
//!
//! ```text
//! traders (this process) ──commands, twice, late, in any order──▶ server (killed again and again)
//!        │                 ◀──answers, when they are durable─────     │
//!        ▼                                                           ▼
//!   outside log ────────────────▶ reconciliation ◀──────────────── store
//! ```
//!
//! After every kill the store is looked at as it lies on the disk, which is what the next start
//! has: the structural audit, and [`reconcile`]. In a last life every request is answered, so at
//! the end nothing is open.

mod books;
mod log;
mod reconcile;
mod results;
mod trader;
mod wish;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use orrery_base::rng::Rng;
use orrery_base::{CharacterId, EntityId, Tick};
use orrery_client::connection::Fingerprint;
use orrery_client::player::Ticket;
use orrery_client::rest::Rest;
use orrery_services::custody::Commodity;
use orrery_storage::{Store, StoreOptions};

use crate::Setting;
use crate::stage::{Scene, Stage, copy};
use books::Books;
use log::Log;
use reconcile::{Findings, Rules, reconcile};
use results::{Life, Results};
use trader::{Shared, Trader, Visit};

/// A server lives so long after its recovery, at random.
const LIFE_MS: std::ops::Range<u32> = 200..3_000;
/// Bounds of a life, of a server's end, and of the last life.
const LONGEST: Duration = Duration::from_secs(180);
const DRAIN: Duration = Duration::from_secs(60);
const LAST: Duration = Duration::from_secs(60);
/// After the last answer, what is on its way arrives.
const SETTLE: Duration = Duration::from_secs(2);
/// What [`Rng`] draws are for.
const MOMENT: u32 = 1;
/// Connections that a trader may make in a life, one after the other.
const CONNECTIONS: u32 = 4;
/// The galaxy need not be large: traders stay where they are.
const SYSTEMS: u32 = 2;

/// How the run is made to fail: tests of this test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Canary {
    /// Not at all.
    None,
    /// The store is set back by one life before the last start.
    Forget,
    /// A payment is credited a second time in the books that are looked at last.
    Double,
}

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often the server is killed.
    pub(crate) kills: u32,
    pub(crate) traders: u32,
    pub(crate) canary: Canary,
    /// After this time no further life is begun but the last one.
    pub(crate) longest: Duration,
}

/// Everything of a run.
struct Run<'a> {
    stage: &'a Stage,
    log: Shared,
    traders: Vec<Trader>,
    rules: Option<Rules>,
}

/// Runs it; whether nothing was lost, doubled or wrong.
///
/// # Errors
/// If a server does not come back, or something fails that is not a kill.
pub(crate) fn run(common: &Setting, plan: &Plan) -> anyhow::Result<bool> {
    let &Plan {
        kills,
        traders,
        canary,
        longest,
    } = plan;
    let begun = Instant::now();
    let systems = common.systems.or(Some(SYSTEMS));
    let setting = Setting {
        systems,
        ..common.clone()
    };
    let stage = Stage::prepare_scene(&setting, traders, &scene())?;
    let log = Log::create(&stage.folder().join("outside.log"))?;
    let traders = (0..traders).map(|number| Trader::new(common.seed, number));
    let mut run = Run {
        stage: &stage,
        log: Arc::new(Mutex::new(log)),
        traders: traders.collect(),
        rules: None,
    };
    let kept = stage.folder().join("kept");
    let mut lives = Vec::new();
    for kill in 1..=kills {
        if canary == Canary::Forget && kill == kills {
            copy(&stage.data().join("store"), &kept)?;
        }
        let mut rng = Rng::new(common.seed, Tick(kill.into()), EntityId(1), MOMENT);
        let lived = LIFE_MS.start + rng.below(LIFE_MS.end - LIFE_MS.start);
        let life = run
            .live(kill, Duration::from_millis(lived.into()))
            .with_context(|| format!("life {kill} of {kills}"))?;
        println!("{}", life.line(kill, kills));
        let holds = life.holds();
        lives.push(life);
        if !holds || begun.elapsed() > longest {
            // What is wrong stays wrong: the first sight of it says most.
            break;
        }
    }
    if canary == Canary::Forget {
        let store = stage.data().join("store");
        std::fs::remove_dir_all(&store).context("remove the store")?;
        copy(&kept, &store)?;
    }
    if lives.iter().all(Life::holds) {
        lives.push(run.last_life(kills + 1, canary)?);
    }
    let log = run.log.lock().unwrap_or_else(PoisonError::into_inner);
    log.reread()?;
    if let Some(trouble) = &log.trouble {
        anyhow::bail!("{trouble}");
    }
    let results = Results {
        traders: run.traders.len() as u32,
        sent: log.outside.sent,
        heard: log.outside.heard,
        requests: log.outside.requests.len() as u64,
        lives,
    };
    results.write(common, &stage)
}

/// Prices that may be changed every second, enough money and goods to trade for half an hour.
fn scene() -> Scene {
    Scene {
        edge: "commands_per_second = 1000\n".to_owned(),
        content: vec![
            (
                "economy.toml",
                "grant_money_cents = 250_000_00",
                "grant_money_cents = 50_000_000_00",
            ),
            (
                "economy.toml",
                "modify_cooldown_s = 300",
                "modify_cooldown_s = 1",
            ),
            ("economy.toml", "quantity = 20\n", "quantity = 400\n"),
            ("economy.toml", "quantity = 4\n", "quantity = 80\n"),
            (
                "economy.toml",
                "item = \"Pram\"\nquantity = 1\n",
                "item = \"Pram\"\nquantity = 12\n",
            ),
        ],
    }
}

impl Run<'_> {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One life, from a start to a kill, and what the store says then.
    fn live(&mut self, number: u32, lived: Duration) -> anyhow::Result<Life> {
        self.log().life(number);
        let mut server = self.stage.serve(LONGEST)?;
        let until = Instant::now() + lived;
        let tickets = self.tickets(&server.rest)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut traders = core::mem::take(&mut self.traders);
        let log = Arc::clone(&self.log);
        let killed = std::thread::scope(|scope| {
            let trading = scope.spawn(|| visit(&mut traders, tickets, &log, &stop, false));
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            let killed = server.process.kill();
            stop.store(true, Ordering::Release);
            let traded = trading.join();
            traded.map_err(|_| anyhow::anyhow!("the traders have panicked"))??;
            killed
        });
        self.traders = traders;
        killed?;
        let (findings, parcels) = self.look(false, Canary::None)?;
        Ok(Life {
            beat: server.beat,
            recovered_s: server.recovered_after.as_secs_f64(),
            ready_s: server.ready_after.as_secs_f64(),
            lived_s: lived.as_secs_f64(),
            parcels,
            findings,
        })
    }

    /// A last life in which every request is answered, a clean end, and the last look.
    fn last_life(&mut self, number: u32, canary: Canary) -> anyhow::Result<Life> {
        self.log().life(number);
        let mut server = self.stage.serve(LONGEST)?;
        let begun = Instant::now();
        let tickets = self.tickets(&server.rest)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut traders = core::mem::take(&mut self.traders);
        let log = Arc::clone(&self.log);
        visit(&mut traders, tickets, &log, &stop, true)?;
        self.traders = traders;
        let waiting: usize = self.traders.iter().map(Trader::waiting).sum();
        ensure!(waiting == 0, "{waiting} requests have no answer at the end");
        std::thread::sleep(SETTLE);
        let lived_s = begun.elapsed().as_secs_f64();
        let ended = server.process.end(DRAIN)?;
        ensure!(ended.success(), "the server did not end well: {ended}");
        let (findings, parcels) = self.look(true, canary)?;
        Ok(Life {
            beat: server.beat,
            recovered_s: server.recovered_after.as_secs_f64(),
            ready_s: server.ready_after.as_secs_f64(),
            lived_s,
            parcels,
            findings,
        })
    }

    /// Tickets for each trader, and whom and what there is to deal with.
    fn tickets(&mut self, rest: &Rest) -> anyhow::Result<Vec<Vec<Ticket>>> {
        let key = self.stage.key()?;
        let content = rest.content().context("fetch the content")?;
        if self.rules.is_none() {
            let market = content.market();
            self.rules = Some(Rules {
                broker_bp: market.broker_fee_bp.into(),
                fee_min: market.fee_min.0.unsigned_abs(),
                tax_bp: market.sales_tax_bp.into(),
                grant_cents: content.economy().grant_money.0.unsigned_abs(),
                grant: content.grant().to_vec(),
            });
        }
        let goods = content.grant().iter();
        let prices = goods.filter_map(|(of, _)| Some((*of, content.item(*of)?.base_price)));
        let prices: Vec<_> = prices.collect();
        let count = self.traders.len() as u32;
        let mut tickets = vec![Vec::new(); self.traders.len()];
        let mut characters = Vec::new();
        for _ in 0..CONNECTIONS {
            let batch = rest
                .bots(&key, "Trader", 0, count)
                .context("ask for tickets")?;
            ensure!(batch.bots.len() == tickets.len(), "too few tickets");
            let address = *batch.quic.first().context("the game listens nowhere")?;
            let fingerprint = Fingerprint::from_hex(&batch.certificate_sha256)?;
            characters = batch
                .bots
                .iter()
                .map(|bot| CharacterId(bot.character))
                .collect();
            for (tickets, bot) in tickets.iter_mut().zip(batch.bots) {
                tickets.push(Ticket {
                    token: bot.token,
                    address,
                    fingerprint,
                    content_hash: content.hash(),
                });
            }
        }
        for trader in &mut self.traders {
            trader.meet(characters.clone(), prices.clone());
        }
        Ok(tickets)
    }

    /// Audits and reconciles the store as it lies there; also how many parcels were on their way.
    fn look(&self, is_end: bool, canary: Canary) -> anyhow::Result<(Findings, u64)> {
        let options = StoreOptions {
            create: false,
            read_only: true,
            ..StoreOptions::default()
        };
        let store = self.stage.data().join("store");
        let store = Store::open(&store, &options).context("open the store")?;
        let audit = orrery_services::audit::audit(&store).context("audit the store")?;
        let mut books = Books::read(&store.view())?;
        if canary == Canary::Double {
            books.credit_twice()?;
        }
        let rules = self.rules.as_ref().context("there is no content yet")?;
        let mut findings = reconcile(&self.log().outside, &books, rules, is_end);
        if !audit.is_sound() {
            findings.wrong.push(format!("the audit: {audit}"));
        }
        let money = audit.custody.sums.get(&Commodity::Coin);
        if money.is_none_or(|sum| sum.excess() != 0) {
            findings.wrong.push(format!("money: {money:?}"));
        }
        Ok((findings, books.parcels))
    }
}

/// One life of all traders.
fn visit(
    traders: &mut Vec<Trader>,
    tickets: Vec<Vec<Ticket>>,
    log: &Shared,
    stop: &Arc<AtomicBool>,
    is_last: bool,
) -> anyhow::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().context("start tokio")?;
    let visits = traders.drain(..).zip(tickets);
    let visits: Vec<_> = visits
        .map(|(trader, tickets)| {
            Visit::new(trader, tickets, Arc::clone(log), Arc::clone(stop), is_last)
        })
        .collect();
    let visited = runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for (number, mut visit) in visits.into_iter().enumerate() {
            tasks.spawn(async move {
                Box::pin(visit.stay()).await;
                (number, visit.trader)
            });
        }
        let limit = tokio::time::sleep(if is_last { LAST } else { LONGEST });
        tokio::pin!(limit);
        let mut visited = Vec::new();
        loop {
            tokio::select! {
                done = tasks.join_next() => match done {
                    Some(done) => visited.push(done?),
                    None => break,
                },
                () = &mut limit => stop.store(true, Ordering::Release),
            }
        }
        anyhow::Ok(visited)
    });
    let mut visited = visited.context("a trader has panicked")?;
    visited.sort_by_key(|(number, _)| *number);
    traders.extend(visited.into_iter().map(|(_, trader)| trader));
    Ok(())
}
