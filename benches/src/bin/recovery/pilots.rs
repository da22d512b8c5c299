//! Pilots who undock and dock, note what the server told them was so, and look whether it still is
//! when they come back after its death.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use orrery_base::EntityId;
use orrery_base::command::Command;
use orrery_client::connection::{Fingerprint, Socket};
use orrery_client::player::{Heard, Player, Ticket};
use orrery_client::rest::Rest;
use orrery_proto::message::ServerMessage;

use crate::witness::Verdict;

/// Between two looks at whether the server was killed.
const LOOK: Duration = Duration::from_millis(20);
/// How long a pilot waits for an answer before it tries something else.
const PATIENCE: Duration = Duration::from_millis(600);
/// How long after a connection the server says where the ship is.
const PLACED: Duration = Duration::from_secs(5);

/// Where a ship is, as far as it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Docked(EntityId),
    InSpace,
}

/// What one pilot knows.
#[derive(Clone, Debug, Default)]
struct Knowledge {
    /// The last place that was acknowledged; looked at when the pilot comes back.
    place: Option<Place>,
    /// A command is on its way: the place may be another by now.
    is_pending: bool,
    /// Whether the server has died since.
    to_be_checked: bool,
    home: Option<EntityId>,
}

/// A few pilots, for all lives of the server.
#[derive(Debug, Default)]
pub(crate) struct Pilots {
    known: Vec<Knowledge>,
    /// What they have found.
    pub(crate) verdict: Verdict,
    /// The last beat of which anything was acknowledged.
    pub(crate) newest: u64,
}

impl Pilots {
    /// So many.
    pub(crate) fn new(count: u32) -> Self {
        let known = (0..count).map(|_| Knowledge::default());
        Self {
            known: known.collect(),
            ..Self::default()
        }
    }

    /// One life of the server, until `stop`.
    ///
    /// # Errors
    /// If there is no runtime to be had.
    pub(crate) fn live(
        &mut self,
        rest: &Rest,
        key: &str,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<()> {
        for knowledge in &mut self.known {
            knowledge.to_be_checked = true;
        }
        let Some(tickets) = tickets(rest, key, self.known.len() as u32) else {
            // Killed already.
            return Ok(());
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().context("start tokio")?;
        let pilots = self.known.iter().map(|knowledge| Pilot {
            knowledge: knowledge.clone(),
            verdict: Verdict::default(),
            newest: 0,
            stop: Arc::clone(stop),
        });
        let pilots: Vec<_> = pilots.collect();
        let flown = runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for (number, (ticket, mut pilot)) in tickets.into_iter().zip(pilots).enumerate() {
                tasks.spawn(async move {
                    // It ends with the connection, at the latest with the server.
                    let _ = Box::pin(pilot.fly(&ticket)).await;
                    (number, pilot)
                });
            }
            tasks.join_all().await
        });
        for (number, pilot) in flown {
            self.known[number] = pilot.knowledge;
            self.verdict.add(pilot.verdict);
            self.newest = self.newest.max(pilot.newest);
        }
        Ok(())
    }
}

/// One pilot in one life of the server.
struct Pilot {
    knowledge: Knowledge,
    verdict: Verdict,
    newest: u64,
    stop: Arc<AtomicBool>,
}

/// The server is dead.
#[derive(Debug)]
struct Over;

impl Pilot {
    async fn fly(&mut self, ticket: &Ticket) -> anyhow::Result<()> {
        let socket = Socket::towards(ticket.address, ticket.fingerprint, Player::alpn())?;
        let connect = Box::pin(Player::connect(&socket, ticket, "orrery-recovery"));
        let mut player = tokio::select! {
            player = connect => player?,
            () = over(&self.stop) => return Ok(()),
        };
        let placed = tokio::time::Instant::now() + PLACED;
        while place_of(&player).is_none() && tokio::time::Instant::now() < placed {
            if self.hear(&mut player, LOOK).await.is_err() {
                return Ok(());
            }
        }
        // What was said before is said now, at the latest.
        if self.listen(&mut player, PATIENCE).await.is_err() {
            return Ok(());
        }
        let Some(place) = place_of(&player) else {
            return Ok(());
        };
        self.check(&player, place);
        while !self.stop.load(Ordering::Acquire) {
            if self.turn(&mut player).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Holds where the ship is against what was known.
    fn check(&mut self, player: &Player, place: Place) {
        let knowledge = &mut self.knowledge;
        let is_owed = knowledge.to_be_checked && !knowledge.is_pending;
        if let Some(known) = knowledge.place.filter(|_| is_owed) {
            if known == place {
                self.verdict.found += 1;
            } else {
                let name = &player.situation.name;
                let what = format!("{name} was told {known:?}, and then found {place:?}");
                self.verdict.lost.push(what);
            }
        }
        knowledge.to_be_checked = false;
        knowledge.is_pending = false;
        knowledge.place = Some(place);
    }

    /// Undocks or docks, once.
    async fn turn(&mut self, player: &mut Player) -> Result<(), Over> {
        let command = match place_of(player) {
            Some(Place::Docked(station)) => {
                self.knowledge.home = Some(station);
                Command::Undock
            }
            _ => match self.knowledge.home {
                Some(station) => Command::Dock { station },
                // It came into the world in space: it stays there.
                None => return self.listen(player, PATIENCE).await,
            },
        };
        let before = self.knowledge.place;
        self.knowledge.is_pending = true;
        player.command(command).await.map_err(|_| Over)?;
        let patience = tokio::time::Instant::now() + PATIENCE;
        while self.knowledge.place == before && tokio::time::Instant::now() < patience {
            if self.hear(player, LOOK).await? {
                // Refused: too far away, say.
                break;
            }
        }
        if self.knowledge.place == before
            && let Some(target) = self.knowledge.home
        {
            player
                .command(Command::Approach { target })
                .await
                .map_err(|_| Over)?;
        }
        self.listen(player, PATIENCE / 4).await
    }

    async fn listen(&mut self, player: &mut Player, time: Duration) -> Result<(), Over> {
        let until = tokio::time::Instant::now() + time;
        while tokio::time::Instant::now() < until {
            self.hear(player, LOOK).await?;
        }
        Ok(())
    }

    /// Takes in what the server says; whether it has refused a command.
    async fn hear(&mut self, player: &mut Player, time: Duration) -> Result<bool, Over> {
        let heard = match tokio::time::timeout(time, player.next()).await {
            Ok(Ok(Heard::Message(message))) => message,
            Ok(Ok(_)) => return Ok(false),
            Ok(Err(_)) => return Err(Over),
            // Silence; nothing is lost by not waiting on.
            Err(_) if self.stop.load(Ordering::Acquire) => return Err(Over),
            Err(_) => return Ok(false),
        };
        let (place, tick) = match heard {
            ServerMessage::Docked { station, tick } => (Place::Docked(station), tick),
            ServerMessage::EntitySpawned { tick, .. } => (Place::InSpace, tick),
            ServerMessage::CommandResult { reject, .. } if reject.is_some() => {
                self.knowledge.is_pending = false;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        if !self.knowledge.to_be_checked {
            self.knowledge.place = Some(place);
            self.knowledge.is_pending = false;
        }
        self.newest = self.newest.max(tick.0);
        Ok(false)
    }
}

async fn over(stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        tokio::time::sleep(LOOK).await;
    }
}

fn place_of(player: &Player) -> Option<Place> {
    let situation = &player.situation;
    let docked = situation.docked.map(Place::Docked);
    docked.or(situation.grid.map(|_| Place::InSpace))
}

fn tickets(rest: &Rest, key: &str, count: u32) -> Option<Vec<Ticket>> {
    let content_hash = rest.content().ok()?.hash();
    let batch = rest.bots(key, "Pilot", 0, count).ok()?;
    let address = *batch.quic.first()?;
    let fingerprint = Fingerprint::from_hex(&batch.certificate_sha256).ok()?;
    let tickets = batch.bots.into_iter().map(|bot| Ticket {
        token: bot.token,
        address,
        fingerprint,
        content_hash,
    });
    Some(tickets.collect())
}
