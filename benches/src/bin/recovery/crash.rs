//! Kills a server with players, again and again, and looks what is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};

use crate::Setting;
use crate::pilots::Pilots;
use crate::results::{Life, Results};
use crate::stage::{Server, Stage, copy};
use crate::witness::{Registrar, Verdict};

/// A server lives so long after its recovery, at random.
const LIFE_MS: std::ops::Range<u32> = 200..3_000;
/// Bounds of a life, and of a server's end.
const LONGEST: Duration = Duration::from_secs(180);
const DRAIN: Duration = Duration::from_secs(60);
/// Pilots who undock and dock all the time.
const PILOTS: u32 = 8;
/// Kills between two audits of what lies on the disk.
const AUDIT_EVERY: u32 = 10;
/// What [`Rng`] draws are for.
const MOMENT: u32 = 1;

/// Those who know what must be there.
struct Witnesses {
    registrar: Registrar,
    pilots: Pilots,
}

/// Runs it; whether nothing was lost or doubled.
///
/// # Errors
/// If a server does not come back, or something fails that is not a kill.
pub(crate) fn run(common: &Setting, kills: u32, bots: u32, forget: bool) -> anyhow::Result<bool> {
    let stage = Stage::prepare(common, bots)?;
    let mut witnesses = Witnesses {
        registrar: Registrar::default(),
        pilots: Pilots::new(PILOTS),
    };
    let mut lives = Vec::new();
    let mut unsound = Vec::new();
    let kept = stage.folder().join("kept");
    for kill in 1..=kills {
        if forget && kill == kills {
            copy(&stage.data().join("store"), &kept)?;
        }
        let mut rng = Rng::new(common.seed, Tick(kill.into()), EntityId(1), MOMENT);
        let lived = LIFE_MS.start + rng.below(LIFE_MS.end - LIFE_MS.start);
        let lived = Duration::from_millis(lived.into());
        let life = live(&stage, &mut witnesses, bots, lived)
            .with_context(|| format!("life {kill} of {kills}"))?;
        println!(
            "crash: {kill} of {kills}: beat {}, recovered after {:.2} s, ready after {:.2} s, \
             killed {:.2} s later with {} players or more",
            life.beat, life.recovered_s, life.ready_s, life.lived_s, life.players
        );
        lives.push(life);
        if kill % AUDIT_EVERY == 0
            && let Err(error) = audit(&stage)
        {
            unsound.push(format!("{error:#}"));
        }
    }
    if forget {
        let store = stage.data().join("store");
        std::fs::remove_dir_all(&store).context("remove the store")?;
        copy(&kept, &store)?;
    }
    last_life(&stage, &mut witnesses)?;
    if let Err(error) = audit(&stage) {
        unsound.push(format!("{error:#}"));
    }
    let mut verdict = witnesses.registrar.verdict;
    let places = witnesses.pilots.verdict.found;
    verdict.add(witnesses.pilots.verdict);
    verdict.doubled.append(&mut unsound);
    Results {
        bots,
        lives,
        verdict,
        places,
    }
    .write(common, &stage)
}

/// One life, from a start to a kill.
fn live(
    stage: &Stage,
    witnesses: &mut Witnesses,
    bots: u32,
    lived: Duration,
) -> anyhow::Result<Life> {
    let mut server = stage.serve(LONGEST)?;
    let until = Instant::now() + lived;
    must_reach(&server, &mut witnesses.pilots);
    let key = stage.key()?;
    let count = bots.to_string();
    let mut swarm = stage.swarm(&server, &["--count", &count])?;
    let stop = Arc::new(AtomicBool::new(false));
    let Witnesses { registrar, pilots } = witnesses;
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let registering = scope.spawn(|| registrar.live(&server.rest, &stop));
        let flying = scope.spawn(|| pilots.live(&server.rest, &key, &stop));
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        let killed = server.process.kill();
        stop.store(true, Ordering::Release);
        registering
            .join()
            .map_err(|_| anyhow::anyhow!("the registrar has panicked"))?;
        let flown = flying.join();
        flown.map_err(|_| anyhow::anyhow!("the pilots have panicked"))??;
        killed
    })?;
    // The swarm has lost its server: it may have ended by itself.
    let _ = swarm.kill();
    let played = swarm.said().iter().filter_map(|line| playing(line)).max();
    Ok(Life {
        players: played.unwrap_or(0),
        beat: server.beat,
        recovered_s: server.recovered_after.as_secs_f64(),
        ready_s: server.ready_after.as_secs_f64(),
        lived_s: lived.as_secs_f64(),
    })
}

/// Of how many players the swarm says that they play.
fn playing(line: &str) -> Option<u32> {
    let (count, rest) = line.split_once(" of ")?;
    rest.ends_with(" bots play").then(|| count.parse().ok())?
}

/// What was acknowledged in a beat must be in the beat that was recovered, or an earlier one.
fn must_reach(server: &Server, pilots: &mut Pilots) {
    let (beat, newest) = (server.beat, pilots.newest);
    if beat < newest {
        let what = format!("beat {newest}, of which something was acknowledged: it is {beat} now");
        pilots.verdict.lost.push(what);
    }
}

/// A last life in which everybody looks, and a clean end.
fn last_life(stage: &Stage, witnesses: &mut Witnesses) -> anyhow::Result<()> {
    let mut server = stage.serve(LONGEST)?;
    must_reach(&server, &mut witnesses.pilots);
    let key = stage.key()?;
    let stop = Arc::new(AtomicBool::new(false));
    let Witnesses { registrar, pilots } = witnesses;
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let flying = scope.spawn(|| pilots.live(&server.rest, &key, &stop));
        registrar.check(&server.rest, &stop);
        std::thread::sleep(Duration::from_secs(3));
        stop.store(true, Ordering::Release);
        let flown = flying.join();
        flown.map_err(|_| anyhow::anyhow!("the pilots have panicked"))?
    })?;
    let left = registrar.waiting();
    ensure!(left == 0, "{left} accounts could not be looked at");
    let ended = server.process.end(DRAIN)?;
    ensure!(ended.success(), "the server did not end well: {ended}");
    Ok(())
}

fn audit(stage: &Stage) -> anyhow::Result<()> {
    let data = stage.data();
    stage.finish(&["audit", "--data", &data.to_string_lossy()])?;
    Ok(())
}

/// Nothing was lost, nothing is there twice.
pub(crate) fn holds(verdict: &Verdict) -> bool {
    verdict.lost.is_empty() && verdict.doubled.is_empty()
}
