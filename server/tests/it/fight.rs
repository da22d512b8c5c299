//! A fight over the wire, in the real binary: lock, shoot, kill, pod, a new ship.

use std::sync::Arc;

use orrery_base::EntityId;
use orrery_base::command::{Command, RejectCode};
use orrery_game::content::Content;
use orrery_proto::message::{DepartureReason, ServerMessage};

use crate::players::{Account, Pilot, block_on};
use crate::process::{Folder, Server, run};

/// Slots below this number hold weapons.
const HIGH_SLOTS: u8 = 8;
const ATTACKERS: usize = 6;

/// Locks a ship, waits until the lock holds, and switches every weapon on.
async fn open_fire(pilot: &mut Pilot, target: EntityId) {
    pilot
        .until("the target in sight", |pilot| pilot.sees(target))
        .await;
    pilot
        .until("the weapons at rest", |pilot| {
            let mut weapons = pilot.player.situation.modules.iter();
            let at_rest = weapons.all(|it| it.slot >= HIGH_SLOTS || it.flags & 1 == 0);
            at_rest.then_some(())
        })
        .await;
    pilot.command(Command::Lock { target }).await.unwrap();
    let early = pilot.player.situation.modules[0].slot;
    let activate = |slot| Command::Activate {
        slot,
        target: Some(target),
    };
    let refused = pilot.command(activate(early)).await;
    assert_eq!(refused, Err(RejectCode::TargetNotLocked), "locks take time");
    pilot
        .until("the lock", |pilot| {
            let tick = pilot.player.grid_tick()?;
            let mut locks = pilot.player.situation.locks.iter();
            let lock = locks.find(|it| it.target == target)?;
            (lock.done <= tick).then_some(())
        })
        .await;
    let modules = pilot.player.situation.modules.iter();
    let weapons: Vec<_> = modules
        .map(|it| it.slot)
        .filter(|&it| it < HIGH_SLOTS)
        .collect();
    assert!(!weapons.is_empty(), "newcomers are armed");
    for slot in weapons {
        pilot.command(activate(slot)).await.unwrap();
    }
}

/// Flies until it has heard of a kill; returns what was lost.
async fn until_kill(pilot: &mut Pilot, reports: usize) -> ServerMessage {
    pilot
        .until("a kill report", |pilot| {
            let is_kill = |it: &&ServerMessage| matches!(it, ServerMessage::KillReport { .. });
            pilot.heard.iter().filter(is_kill).nth(reports).cloned()
        })
        .await
}

async fn attack(pilot: &mut Pilot, victim: EntityId) -> ServerMessage {
    pilot.fly_to(victim, 250_000).await;
    open_fire(pilot, victim).await;
    let dock = pilot.player.situation.ship;
    assert_eq!(
        pilot.command(Command::Lock { target: dock }).await,
        Err(RejectCode::TargetIsSelf)
    );
    until_kill(pilot, 0).await
}

async fn suffer(pilot: &mut Pilot, ship: EntityId) -> EntityId {
    pilot.command(Command::Stop).await.unwrap();
    until_kill(pilot, 0).await;
    let pod = pilot
        .until("a pod", |pilot| {
            let now = pilot.player.situation.ship;
            (now != ship).then_some(now)
        })
        .await;
    pilot
        .until("the pod in space", |pilot| pilot.own_cm())
        .await;
    pod
}

async fn play(server: &Server, content: &Arc<Content>) {
    let names = ["Ada", "Ben", "Cyd", "Dot", "Eva", "Fay", "Gus"];
    let mut pilots = Vec::new();
    for name in &names[..=ATTACKERS] {
        let account = Account::sign_up(server, name);
        let mut pilot = Pilot::connect(&account.ticket(server), content).await;
        pilot.placed().await;
        pilot.undock().await;
        pilots.push(pilot);
    }
    let mut victim = pilots.remove(0);
    let (ship, character) = (
        victim.player.situation.ship,
        victim.player.situation.character,
    );
    let mut attackers: Vec<_> = pilots.iter_mut().collect();
    let [a, b, c, d, e, f] = &mut attackers[..] else {
        panic!("six attackers");
    };
    let (pod, report, ..) = tokio::join!(
        suffer(&mut victim, ship),
        attack(a, ship),
        attack(b, ship),
        attack(c, ship),
        attack(d, ship),
        attack(e, ship),
        attack(f, ship),
    );
    let ServerMessage::KillReport {
        victim: lost,
        killers,
        final_blow,
        ..
    } = report
    else {
        panic!("{report:?}");
    };
    assert_eq!(lost, character);
    assert!(killers.iter().any(|it| it.character == final_blow));
    let damage: u64 = killers.iter().map(|it| it.damage).sum();
    assert!(damage > 800, "{damage} hit points for a frigate");

    let attacker = &mut *a;
    let destroyed = ServerMessage::Departed {
        entity: ship,
        reason: DepartureReason::Destroyed,
    };
    attacker
        .until("the wreck's ship to be gone", |pilot| {
            pilot.heard.contains(&destroyed).then_some(())
        })
        .await;
    let hits = |pilot: &Pilot, dealt: bool| {
        let messages = pilot.heard.iter();
        let of = messages.filter_map(|message| match message {
            ServerMessage::Damage { hits, .. } => Some(hits),
            _ => None,
        });
        of.flatten().filter(|it| it.is_dealt == dealt).count()
    };
    assert!(hits(attacker, true) > 0 && hits(attacker, false) == 0);
    assert!(hits(&victim, false) > hits(attacker, true));
    // Whoever shoots may not hide in a station for a while.
    let station = station_of(attacker, content);
    let hidden = attacker.command(Command::Dock { station }).await;
    assert!(
        matches!(
            hidden,
            Err(RejectCode::WeaponsHot | RejectCode::StationOutOfRange)
        ),
        "{hidden:?}"
    );
    kill_the_pod(attacker, &mut victim, pod, ship).await;
}

/// The pod is shot too: its pilot wakes up docked, and is lent a ship.
async fn kill_the_pod(attacker: &mut Pilot, victim: &mut Pilot, pod: EntityId, ship: EntityId) {
    let ((), docked) = tokio::join!(
        async {
            open_fire(attacker, pod).await;
            until_kill(attacker, 1).await;
        },
        victim.until("the station", |pilot| pilot.player.situation.docked),
    );
    assert!(docked.is_some());
    victim.undock().await;
    let now = victim.player.situation.ship;
    assert_eq!(now, pod, "what is lent has the pod's id");
    assert_ne!(now, ship);
    victim
        .until("the modules of the lent ship", |pilot| {
            (!pilot.player.situation.modules.is_empty()).then_some(())
        })
        .await;
}

/// The station in sight.
fn station_of(pilot: &Pilot, content: &Content) -> EntityId {
    let replica = pilot.player.world.replica();
    let mut entities = replica.entities();
    let station = entities.find(|it| content.station(it.type_id).is_some());
    station.unwrap().id
}

#[test]
fn lock_shoot_kill_pod_and_a_new_ship() {
    let folder = Folder::new(1, 7);
    let content = Arc::new(folder.content());
    let server = folder.serve().shards(1).start();
    block_on(play(&server, &content));
    server.stop();
    // The hull is burned, the hold is in the wreck or burned, and the pilot sits in a pod.
    let audit = run(&["audit", "--data", folder.path()]);
    assert!(audit.success().contains("sound"), "{}", audit.out);
}
