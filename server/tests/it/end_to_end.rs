//! The whole way, with the real binary, real sockets and a real store: sign up, connect, fly,
//! jump to a system on another shard before witnesses, lose the power, come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use orrery_base::command::Command;
use orrery_base::{EntityId, GridId, Tick};
use orrery_game::content::Content;
use orrery_game::galaxy::{Params, generate};
use orrery_proto::handshake::Step;
use orrery_proto::message::{DepartureReason, ServerMessage};
use orrery_server::host::load_galaxy;
use orrery_server::host::recovery::{Deal, Galaxy, Recorded, Replay, Start};
use orrery_server::rules::columns::Presence;
use orrery_server::rules::context::SpaceContext;
use orrery_storage::journal;

use crate::players::{Account, Pilot, block_on};
use crate::process::{Folder, Server, run, wait_until};
use crate::script::content;

const SYSTEMS: u32 = 2;
const SHARDS: u16 = 2;
/// A gate may be used from 2,500 m; the ship flies on while the command is on its way.
const GATE_CM: i64 = 240_000;
const DOCK_CM: i64 = 240_000;

/// The seed, of a few, whose gates are nearest to their stations: the flight is in real time.
fn seed() -> u64 {
    let content = content();
    let farthest = |seed: &u64| {
        let params = Params {
            seed: *seed,
            systems: SYSTEMS,
            ..Params::default()
        };
        let galaxy = generate(&params, &content).unwrap();
        let gates = galaxy.systems.iter().flat_map(|system| &system.gates);
        // Stations are at the origin of their hub.
        gates
            .map(|gate| orrery_base::math::distance([0; 3], gate.position_cm))
            .max()
    };
    (1..100).min_by_key(farthest).unwrap()
}

/// A state of the galaxy by the journal alone.
struct Recovered {
    last: Tick,
    replay: Replay,
    context: Arc<SpaceContext>,
}

impl Recovered {
    /// Replays from the birth of the galaxy, every digest compared, to `until` or the last
    /// durable beat.
    fn from(folder: &Folder, until: Option<Tick>) -> Self {
        let store = folder.store();
        let stored = load_galaxy(&store).unwrap();
        let context = Arc::new(SpaceContext::new(folder.content(), stored.galaxy));
        let last = until.or(store.at_open().last_beat).unwrap();
        let deal = Deal::new(&context, 1);
        let galaxy = Galaxy {
            context: Arc::clone(&context),
            seed: stored.params.seed,
        };
        let birth = Start::Before(Tick(1));
        let mut replay = Replay::begin(&store, &galaxy, deal.grids(), birth, last, 1).unwrap();
        assert_eq!(replay.from(), Tick(0), "it begins with the beginning");
        for row in journal::range(store.log(), Tick(1)..=last).unwrap() {
            let row = row.unwrap();
            let (beat, bytes) = (row.key.beat, row.record);
            let recorded = Recorded { beat, bytes };
            replay.take(&recorded, |_, _, _| Ok(())).unwrap();
        }
        assert_eq!(replay.tick(), last, "the journal reaches to the end");
        Self {
            last,
            replay,
            context,
        }
    }

    /// Where a ship is: the grid, how, and the place. A trace is not a ship.
    fn ship(&self, ship: EntityId) -> (GridId, Presence, [i32; 3], EntityId) {
        let homes = self.replay.grids().filter_map(|grid| {
            let (part, row) = grid.find(ship)?;
            let columns = part.table.columns();
            let presence = columns.presence(row);
            let place = EntityId(columns.pilot.place[row]);
            (presence != Presence::Trace)
                .then(|| (grid.id(), presence, columns.ship.position_cm(row), place))
        });
        let homes: Vec<_> = homes.collect();
        assert_eq!(homes.len(), 1, "{ship} is in one place: {homes:?}");
        homes[0]
    }

    /// The largest way that a ship makes until it rests, if it is told to stop now: τ · v.
    fn braking_cm(&self, content: &Content, ship: EntityId) -> i64 {
        let grid = self.ship(ship).0;
        let mut grids = self.replay.grids();
        let grid = grids.find(|it| it.id() == grid).unwrap();
        let (part, row) = grid.find(ship).unwrap();
        let ships = &part.table.columns().ship;
        let velocity = ships.velocity(row).map(i64::from);
        let speed_cm_s = orrery_base::motion::velocity_to_m_per_s(
            i32::try_from(orrery_base::math::length(velocity)).unwrap(),
        ) * 100.0;
        let law = content
            .law(ships.type_id[row], ships.afterburner(row))
            .unwrap();
        (law.tau_s * speed_cm_s) as i64
    }
}

/// Which shard has which grid, as the operator sees it.
fn shards_of_grids(server: &Server) -> BTreeMap<u64, u64> {
    let mut shards = BTreeMap::new();
    let key = server.operator_key();
    wait_until("both grids in the operator's list", || {
        let list: serde_json::Value = server.rest().get("/admin/v1/grids", Some(&key)).unwrap();
        shards = list["grids"]
            .as_array()
            .unwrap()
            .iter()
            .map(|grid| {
                (
                    grid["grid"].as_u64().unwrap(),
                    grid["shard"].as_u64().unwrap(),
                )
            })
            .collect();
        shards.len() == SYSTEMS as usize
    });
    shards
}

/// The steps of the handshake that the server has logged, by client.
fn logged_steps(log: &str) -> BTreeMap<String, Vec<String>> {
    let mut steps: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains("handshake step")) {
        let after = |key: &str| {
            let rest = line.split_once(key)?.1;
            Some(
                rest.trim_matches('"')
                    .split(['"', ' ', '}'])
                    .next()?
                    .to_owned(),
            )
        };
        let remote = after("remote=").expect("the span names the client's address");
        steps
            .entry(remote)
            .or_default()
            .push(after("step=").unwrap());
    }
    steps
}

/// What happened before the power was cut.
struct Before {
    ada: EntityId,
    ben: EntityId,
    ben_station: EntityId,
    cyd: EntityId,
}

/// New characters begin at the stations in turn: Ada and Cyd in one system, Ben in the other.
const ADA_FROM: GridId = GridId(2);
const ADA_TO: GridId = GridId(1);

/// The three, in their seats, docked.
async fn seats(server: &Server, content: &Arc<Content>) -> [Pilot; 3] {
    let [ada, ben, cyd] = ["Ada", "Ben", "Cyd"].map(|name| Account::sign_up(server, name));
    let ben_address = server.quic6().unwrap_or(server.quic4());
    let mut ada = Pilot::connect(&ada.ticket(server), content).await;
    let mut ben = Pilot::connect(&ben.ticket_to(server, ben_address), content).await;
    let mut cyd = Pilot::connect(&cyd.ticket(server), content).await;
    let systems = [&ada, &ben, &cyd].map(|pilot| pilot.player.situation.system);
    assert_eq!(systems, [ADA_FROM, ADA_TO, ADA_FROM].map(GridId::system));
    tokio::join!(ada.placed(), ben.placed(), cyd.placed());
    for pilot in [&ada, &ben, &cyd] {
        assert!(pilot.player.situation.docked.is_some());
        let step = pilot.player.step();
        assert_eq!(step, Step::InputsSubscribed, "a docked player stays there");
    }
    [ada, ben, cyd]
}

/// Flies to the gate and jumps; returns the beat of the arrival.
async fn fly_and_jump(ada: &mut Pilot, gate: EntityId, witness: EntityId) -> Tick {
    let ship = ada.player.situation.ship;
    assert!(ada.sees(witness).is_none(), "Ben is in another system");
    ada.fly_to(gate, GATE_CM).await;
    let jumped = ada.command(Command::Jump { gate }).await.unwrap();
    let spawned = ada.until("the other side", |ada| {
        ada.heard.iter().rev().find_map(|message| match *message {
            ServerMessage::EntitySpawned {
                grid, tick, entity, ..
            } if grid == ADA_TO => Some((tick, entity)),
            _ => None,
        })
    });
    let (arrived, entity) = spawned.await;
    assert_eq!(entity, ship);
    let left = ServerMessage::GridLeft {
        grid: ADA_FROM,
        reason: DepartureReason::Jumped,
    };
    assert!(ada.heard.contains(&left));
    assert_eq!(
        arrived,
        jumped.next(),
        "a message between shards takes one beat"
    );
    assert_eq!(ada.player.situation.system, ADA_TO.system());
    ada.until("Ben in sight", |ada| ada.sees(witness)).await;
    arrived
}

/// Sees a ship, and then sees it jump.
async fn see_going(cyd: &mut Pilot, ship: EntityId, gate: EntityId) {
    cyd.until("Ada in sight", |cyd| cyd.sees(ship)).await;
    let departed = ServerMessage::Departed {
        entity: ship,
        reason: DepartureReason::Jumped,
    };
    cyd.until("Ada to depart", |cyd| {
        cyd.heard.contains(&departed).then_some(())
    })
    .await;
    cyd.until("Ada to be gone", |cyd| {
        cyd.sees(ship).is_none().then_some(())
    })
    .await;
    assert!(
        cyd.sees(gate).is_some() && cyd.own_cm().is_some(),
        "the rest is still there"
    );
}

/// Sees a ship come; returns the first beat that showed it.
async fn see_coming(ben: &mut Pilot, ship: EntityId) -> Tick {
    assert!(ben.sees(ship).is_none());
    ben.until("Ada in sight", |ben| ben.sees(ship)).await;
    ben.player.world.replica().entity(ship).unwrap().since
}

/// Flies past a station at full speed; nobody says stop.
async fn fly_past(ada: &mut Pilot, station: EntityId) {
    ada.command(Command::Align { target: station })
        .await
        .unwrap();
    let from = ada.own_cm().unwrap();
    ada.until("two kilometres of flight", |ada| {
        (orrery_base::math::distance(from, ada.own_cm()?) > 200_000).then_some(())
    })
    .await;
}

/// Flies to a station and docks.
async fn go_home(ben: &mut Pilot, station: EntityId) {
    ben.fly_to(station, DOCK_CM).await;
    ben.command(Command::Dock { station }).await.unwrap();
    let docked = ben
        .until("the dock", |ben| ben.player.situation.docked)
        .await;
    assert_eq!(docked, station);
}

/// Ada flies from the station of her system to its gate and jumps; Cyd, who stays there, sees her
/// go; Ben, in the other system, sees her come. Then Ben docks again and Ada flies on.
async fn first_life(server: &Server, context: &SpaceContext, content: &Arc<Content>) -> Before {
    let [mut ada, mut ben, mut cyd] = seats(server, content).await;
    let ben_station = ben.player.situation.docked.unwrap();
    tokio::join!(ada.undock(), ben.undock(), cyd.undock());
    let [ada_ship, ben_ship, cyd_ship] =
        [&ada, &ben, &cyd].map(|pilot| pilot.player.situation.ship);
    let mut fixtures = context.fixtures_of(ADA_FROM);
    let gate = fixtures
        .find(|it| context.link(it.entity).is_some())
        .unwrap()
        .entity;
    let ((), seen, arrived) = tokio::join!(
        see_going(&mut cyd, ada_ship, gate),
        see_coming(&mut ben, ada_ship),
        fly_and_jump(&mut ada, gate, ben_ship),
    );
    assert!(
        seen >= arrived,
        "seen in beat {seen}, arrived in beat {arrived}"
    );
    tokio::join!(
        fly_past(&mut ada, ben_station),
        go_home(&mut ben, ben_station)
    );
    for pilot in [&ada, &ben, &cyd] {
        let step = pilot.player.step();
        assert_eq!(
            step,
            Step::InputsFlowing,
            "all eleven steps are behind them"
        );
        let counts = pilot.player.world.counts();
        assert_eq!(counts.malformed, 0, "{counts:?}");
    }
    Before {
        ada: ada_ship,
        ben: ben_ship,
        ben_station,
        cyd: cyd_ship,
    }
}

/// What Ada sees of her own ship after the power is back, and in which beat.
async fn second_life(server: &Server, content: &Arc<Content>, before: &Before) -> (Tick, [i32; 3]) {
    let [ada, ben, cyd] = ["Ada", "Ben", "Cyd"].map(|name| Account::log_in(server, name));
    let mut ada = Pilot::connect(&ada.ticket(server), content).await;
    let mut ben = Pilot::connect(&ben.ticket(server), content).await;
    let mut cyd = Pilot::connect(&cyd.ticket(server), content).await;
    tokio::join!(ada.placed(), ben.placed(), cyd.placed());
    assert_eq!(ben.player.situation.docked, Some(before.ben_station));
    assert_eq!(ada.player.situation.grid, Some(ADA_TO));
    assert_eq!(cyd.player.situation.grid, Some(ADA_FROM));
    let ships = [&ada, &ben, &cyd].map(|pilot| pilot.player.situation.ship);
    assert_eq!(ships, [before.ada, before.ben, before.cyd]);
    let seen = ada.until("the own ship, exactly", |ada| {
        let replica = ada.player.world.replica();
        let own = replica
            .entity(before.ada)
            .filter(|own| replica.is_exact(own))?;
        Some((replica.tick()?, own.motion().position_cm))
    });
    let seen = seen.await;
    for pilot in [ada, ben, cyd] {
        pilot.player.leave().await;
    }
    seen
}

#[test]
fn a_jump_before_witnesses_and_a_power_cut() {
    let folder = Folder::new(SYSTEMS, seed());
    let content = Arc::new(folder.content());
    let server = folder
        .serve()
        .shards(SHARDS)
        .log("info,orrery_server::shard=debug")
        .start();
    let shards = shards_of_grids(&server);
    assert_ne!(
        shards[&1], shards[&2],
        "the two systems are on different shards"
    );
    let context = SpaceContext::new(
        folder.content(),
        load_galaxy(&folder.store()).unwrap().galaxy,
    );
    let before = block_on(first_life(&server, &context, &content));
    let log = server.kill();
    let steps = logged_steps(&log);
    assert_eq!(steps.len(), 3, "{steps:?}");
    let names: Vec<_> = Step::ALL[1..].iter().map(|step| step.name()).collect();
    assert!(steps.values().all(|steps| *steps == names), "{steps:?}");

    let cut = Recovered::from(&folder, None);
    let (grid, presence, ada_cm, _) = cut.ship(before.ada);
    assert_eq!((grid, presence), (ADA_TO, Presence::InSpace));
    let braking_cm = cut.braking_cm(&content, before.ada);
    assert!(
        braking_cm > 10_000,
        "Ada was flying when the power was cut: {braking_cm} cm"
    );
    let (grid, presence, _, station) = cut.ship(before.ben);
    assert_eq!(
        (grid, presence, station),
        (ADA_TO, Presence::Docked, before.ben_station)
    );
    let (grid, presence, ..) = cut.ship(before.cyd);
    assert_eq!((grid, presence), (ADA_FROM, Presence::InSpace));
    assert!(!folder.store().was_clean());
    drop(context);

    let server = folder.serve().shards(SHARDS).start();
    let (tick, seen_cm) = block_on(second_life(&server, &content, &before));
    let log = server.stop();
    assert!(
        log.contains("not shut down cleanly") && log.contains("recovered"),
        "{log}"
    );

    // The journal goes on from the very state that was cut off, or its digests would differ, and
    // it leads to what Ada saw, to the centimetre.
    assert!(tick > cut.last);
    let then = Recovered::from(&folder, Some(tick));
    assert_eq!(then.ship(before.ada).2, seen_cm);
    let drift_cm = orrery_base::math::distance(ada_cm, seen_cm);
    assert!(
        drift_cm <= braking_cm + 1_000,
        "{drift_cm} cm from there, {braking_cm} cm to brake"
    );
    assert_eq!(then.context.grids().count(), SYSTEMS as usize);

    let audit = run(&["audit", "--data", folder.path()]);
    assert!(audit.success().contains("sound"), "{}", audit.out);
}
