//! A swarm of bots in one process, and what they experience.

mod pilot;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orrery_base::value::query::{ItemPlace, ItemRow, ValueQuery, ValueView};
use orrery_base::value::{ItemId, Place, TradeState};
use orrery_base::{CharacterId, EntityId};
use orrery_game::columns::Kind;
use orrery_game::content::Content;
use orrery_proto::message::ServerMessage;
use tokio::sync::mpsc;

use crate::connection::{ConnectError, Fingerprint, Socket};
use crate::player::{Heard, Player, PlayerError, Ticket};

pub use pilot::{Action, Behaviour, Pilot, Sighting, View, Window};
pub use report::{BotFigures, Report};

/// Inputs, and with them acknowledgements, that a bot sends in a second.
const INPUTS_PER_SECOND: u32 = 15;
/// Bots that share one socket: a server spreads clients over its cores by their port.
const BOTS_PER_SOCKET: usize = 8;
/// How long a swarm takes to arrive, per bot: a crowd, not a stampede.
const ARRIVAL: Duration = Duration::from_millis(4);

/// What a swarm is to do.
#[derive(Clone, Debug)]
pub struct SwarmConfig {
    /// What its bots are up to.
    pub behaviour: Behaviour,
    /// Decides the bots' decisions.
    pub seed: u64,
    /// How long to play, from the moment that all have arrived; for ever if there is no limit.
    pub duration: Option<Duration>,
    /// How long to wait before figures are taken, so that arriving is not measured.
    pub warm_up: Duration,
}

/// Why a swarm could not begin.
#[derive(Debug, thiserror::Error)]
pub enum SwarmError {
    /// No socket.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There are no bots.
    #[error("a swarm of no bots has nothing to do")]
    Empty,
}

/// What happened to the swarm while it plays.
#[derive(Clone, Debug)]
pub enum SwarmEvent {
    /// A bot plays.
    Arrived,
    /// A bot is gone.
    Gone {
        /// Its place in the list of tickets.
        bot: u32,
        /// Why.
        reason: String,
    },
    /// Everybody has arrived or failed; figures are taken from here on.
    Measuring,
}

/// Lets a swarm play and reports what it experienced. `tell` hears of every event; `stop` ends
/// the swarm early. Must be called within a tokio runtime.
///
/// # Errors
/// If the swarm cannot begin. A bot that fails is in the report instead.
pub async fn swarm(
    tickets: Vec<Ticket>,
    content: Arc<Content>,
    config: SwarmConfig,
    stop: Arc<AtomicBool>,
    mut tell: impl FnMut(&SwarmEvent),
) -> Result<Report, SwarmError> {
    let first = tickets.first().ok_or(SwarmError::Empty)?;
    let (address, fingerprint): (_, Fingerprint) = (first.address, first.fingerprint);
    let sockets = (0..tickets.len().div_ceil(BOTS_PER_SOCKET))
        .map(|_| Socket::towards(address, fingerprint, Player::alpn()))
        .collect::<Result<Vec<_>, _>>()?;
    let measuring = Arc::new(AtomicBool::new(false));
    let (events, mut heard) = mpsc::unbounded_channel();
    let count = tickets.len();
    let company = Arc::new(Company::default());
    let mut tasks = tokio::task::JoinSet::new();
    for (number, ticket) in (0_u32..).zip(tickets) {
        let bot = Bot {
            number,
            socket: sockets[number as usize / BOTS_PER_SOCKET].clone(),
            ticket,
            content: Arc::clone(&content),
            pilot: Pilot::new(config.behaviour, config.seed, number),
            hangar: None,
            station: None,
            company: Arc::clone(&company),
            window: None,
            events: events.clone(),
            measuring: Arc::clone(&measuring),
            stop: Arc::clone(&stop),
        };
        let delay = ARRIVAL * number;
        tasks.spawn(async move {
            tokio::time::sleep(delay).await;
            bot.play().await
        });
    }
    drop(events);
    let mut clock = SwarmClock::new(&config, count);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            event = heard.recv() => match event {
                Some(event) => {
                    clock.note(&event);
                    tell(&event);
                }
                None => break,
            },
            _ = tick.tick() => {}
        }
        if clock.begins_to_measure() {
            measuring.store(true, Ordering::Release);
            tell(&SwarmEvent::Measuring);
        }
        if clock.is_over() {
            stop.store(true, Ordering::Release);
        }
    }
    let measured = clock.measured();
    let mut report = Report::new(count, measured);
    while let Some(figures) = tasks.join_next().await {
        match figures {
            Ok(figures) => report.add(&figures),
            Err(error) => report.failed(format!("a bot panicked: {error}")),
        }
    }
    Ok(report)
}

/// When to begin measuring, and when to stop.
struct SwarmClock {
    waiting: usize,
    warm_up: Duration,
    duration: Option<Duration>,
    complete: Option<Instant>,
    measuring: Option<Instant>,
}

impl SwarmClock {
    const fn new(config: &SwarmConfig, count: usize) -> Self {
        Self {
            waiting: count,
            warm_up: config.warm_up,
            duration: config.duration,
            complete: None,
            measuring: None,
        }
    }

    fn note(&mut self, event: &SwarmEvent) {
        if matches!(event, SwarmEvent::Arrived | SwarmEvent::Gone { .. }) && self.complete.is_none()
        {
            self.waiting = self.waiting.saturating_sub(1);
            self.complete = (self.waiting == 0).then(Instant::now);
        }
    }

    fn begins_to_measure(&mut self) -> bool {
        let ready = self.complete.is_some_and(|at| at.elapsed() >= self.warm_up);
        let begins = ready && self.measuring.is_none();
        if begins {
            self.measuring = Some(Instant::now());
        }
        begins
    }

    fn is_over(&self) -> bool {
        self.measuring
            .zip(self.duration)
            .is_some_and(|(since, duration)| since.elapsed() >= duration)
    }

    fn measured(&self) -> Duration {
        self.measuring
            .map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Which bots of the swarm are docked where: the wire does not say who else is in a station, as
/// players tell each other.
#[derive(Debug, Default)]
struct Company(Mutex<BTreeMap<EntityId, BTreeSet<CharacterId>>>);

impl Company {
    /// A bot has come to a station, or has left one.
    fn moved(&self, who: CharacterId, from: Option<EntityId>, to: Option<EntityId>) {
        let mut stations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(guests) = from.and_then(|from| stations.get_mut(&from)) {
            guests.remove(&who);
        }
        if let Some(to) = to {
            stations.entry(to).or_default().insert(who);
        }
    }

    /// Everybody else in a station.
    fn around(&self, who: CharacterId, station: EntityId) -> Vec<CharacterId> {
        let stations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let guests = stations.get(&station).into_iter().flatten();
        guests.copied().filter(|other| *other != who).collect()
    }
}

struct Bot {
    number: u32,
    socket: Socket,
    ticket: Ticket,
    content: Arc<Content>,
    pilot: Pilot,
    /// What is in the hangar here, once the bot has looked.
    hangar: Option<Vec<ItemRow>>,
    /// The station where it is listed.
    station: Option<EntityId>,
    company: Arc<Company>,
    /// The trade that it is in.
    window: Option<Window>,
    events: mpsc::UnboundedSender<SwarmEvent>,
    measuring: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Bot {
    async fn play(mut self) -> BotFigures {
        let mut figures = BotFigures::default();
        let reason = match Player::connect(&self.socket, &self.ticket, "orrery-bot").await {
            Ok(player) => {
                // The swarm may have ended; then nobody listens.
                let _ = self.events.send(SwarmEvent::Arrived);
                figures.arrived = true;
                match self.fly(player, &mut figures).await {
                    Ok(()) => return figures,
                    Err(error) => chain(&error),
                }
            }
            Err(error) => chain(&error),
        };
        if !self.stop.load(Ordering::Acquire) {
            figures.error = Some(reason.clone());
        }
        let _ = self.events.send(SwarmEvent::Gone {
            bot: self.number,
            reason,
        });
        figures
    }

    async fn fly(
        &mut self,
        mut player: Player,
        figures: &mut BotFigures,
    ) -> Result<(), PlayerError> {
        let mut inputs = tokio::time::interval(Duration::from_secs(1) / INPUTS_PER_SECOND);
        inputs.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut actions, mut sightings) = (Vec::new(), Vec::new());
        let mut measured_from = None;
        loop {
            tokio::select! {
                heard = player.next() => {
                    let heard = heard?;
                    figures.note(&heard, &player);
                    self.note(heard);
                }
                _ = inputs.tick() => {
                    if self.stop.load(Ordering::Acquire) {
                        if let Some(start) = &measured_from {
                            figures.finish(start, &player.transport());
                        }
                        player.leave().await;
                        return Ok(());
                    }
                    if measured_from.is_none() && self.measuring.load(Ordering::Acquire) {
                        figures.begin();
                        measured_from = Some(player.transport());
                    }
                    self.decide(&mut player, figures, &mut sightings, &mut actions).await?;
                    player.send_input()?;
                    figures.sample(&player);
                }
            }
        }
    }

    /// Remembers what the pilot will ask for.
    fn note(&mut self, heard: Heard) {
        match heard {
            Heard::Message(ServerMessage::QueryAnswer {
                view: Some(ValueView::Inventory { items, .. }),
                ..
            }) => self.hangar = Some(items),
            Heard::Message(ServerMessage::TradeChanged {
                trade,
                with,
                version,
                state: Some(state),
            }) if self.window.is_none_or(|window| window.trade == trade) => {
                let is_over = !matches!(state, TradeState::Offered | TradeState::Open);
                self.window = (!is_over).then_some(Window {
                    trade,
                    with,
                    version,
                    state,
                });
            }
            _ => {}
        }
    }

    /// Lists the bot where it is; returns who else is there.
    fn meet(&mut self, player: &Player) -> Vec<CharacterId> {
        let (who, station) = (player.situation.character, player.situation.docked);
        if self.station != station {
            self.company.moved(who, self.station, station);
            self.station = station;
            self.window = None;
        }
        station.map_or_else(Vec::new, |station| self.company.around(who, station))
    }

    /// Lists whatever the bot sees but its own ship; returns where that is.
    fn look_around(&self, player: &Player, sightings: &mut Vec<Sighting>) -> Option<[i32; 3]> {
        sightings.clear();
        let mut own_cm = None;
        if player.situation.grid.is_some() {
            for entity in player.world.replica().entities() {
                if entity.id == player.situation.ship {
                    own_cm = Some(entity.motion().position_cm);
                    continue;
                }
                sightings.push(Sighting {
                    entity: entity.id,
                    kind: self.content.kind(entity.type_id).unwrap_or(Kind::Ship),
                    position_cm: entity.motion().position_cm,
                    radius_cm: self.content.radius_cm(entity.type_id),
                });
            }
        }
        own_cm
    }

    async fn decide(
        &mut self,
        player: &mut Player,
        figures: &mut BotFigures,
        sightings: &mut Vec<Sighting>,
        actions: &mut Vec<Action>,
    ) -> Result<(), PlayerError> {
        let now_s = player.now_ns() as f64 / 1e9;
        let docked = player.situation.docked.is_some();
        let company = self.meet(player);
        if !docked {
            self.hangar = None;
        }
        let own_cm = self.look_around(player, sightings);
        self.pilot.decide(
            &View {
                now_s,
                docked,
                own_cm,
                others: sightings,
                hangar: self.hangar.as_deref(),
                goods: self.content.items(),
                company: &company,
                window: self.window,
                locks: &player.situation.locks,
                modules: &player.situation.modules,
                tick: player.grid_tick(),
            },
            actions,
        );
        for action in actions.drain(..) {
            match action {
                Action::Command(command) => {
                    figures.asked(player.command(command).await?);
                }
                Action::Look => {
                    let query = ValueQuery::Inventory {
                        place: ItemPlace::Here(Place::Hangar),
                        after: ItemId::NONE,
                    };
                    player.query(query).await?;
                }
                Action::Value(command, times) => {
                    let sent = player.value(command.clone()).await?;
                    figures.asked(sent.sequence);
                    for _ in 1..times {
                        let again = player.value_again(sent.request, command.clone()).await?;
                        figures.asked(again.sequence);
                    }
                }
                Action::Steer {
                    direction,
                    throttle,
                } => player.steer(&self.content, direction, throttle),
            }
        }
        Ok(())
    }
}

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

impl BotFigures {
    fn note(&mut self, heard: &Heard, player: &Player) {
        match heard {
            Heard::Snapshot => self.snapshot(player),
            Heard::Unusable(error) => self.unusable(error.is_harmless()),
            Heard::Message(ServerMessage::CommandResult {
                sequence, reject, ..
            }) => {
                self.answered(*sequence, reject.is_some());
            }
            Heard::Message(
                ServerMessage::EntitySpawned { .. }
                | ServerMessage::Docked { .. }
                | ServerMessage::GridLeft { .. },
            ) => self.moved(),
            Heard::Message(_) => {}
        }
    }
}
