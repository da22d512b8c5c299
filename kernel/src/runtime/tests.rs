use std::sync::Mutex;

use super::*;

fn config(shards: u16) -> RuntimeConfig {
    RuntimeConfig {
        shards,
        mesh_capacity: 16,
        spin_before_park: Duration::ZERO,
    }
}

type ShardResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn flag() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

#[test]
fn cpu_lists_are_parsed() {
    assert_eq!(parse_cpu_list("\t0-1\n"), Some(vec![0, 1]));
    assert_eq!(parse_cpu_list("0,2-4,9"), Some(vec![0, 2, 3, 4, 9]));
    for wrong in ["", "x", "3-1", "1,", "0-99999999", "-1"] {
        assert_eq!(parse_cpu_list(wrong), None, "{wrong}");
    }
    let cpus = allowed_cpus().unwrap();
    let parallelism = thread::available_parallelism().unwrap().get();
    assert!(cpus.len() >= parallelism);
}

#[test]
fn shards_are_named_pinned_and_connected() {
    let cpus = allowed_cpus().unwrap();
    // One more than there are CPUs: it must run, too, unpinned.
    let shards = cpus.len() as u16 + 1;
    let result = run(
        config(shards),
        flag(),
        |mut seat: ShardSeat<u16>| async move {
            let name = thread::current().name().unwrap().to_owned();
            let allowed = allowed_cpus()?;
            for to in 0..seat.shards {
                seat.mesh.to(ShardIndex(to)).push(seat.shard.0).unwrap();
            }
            let mut heard = Vec::new();
            while heard.len() < usize::from(seat.shards) {
                for (_, ring) in seat.mesh.from_all() {
                    ring.pop_batch(usize::MAX, &mut heard);
                }
                thread::yield_now();
            }
            heard.sort_unstable();
            ShardResult::Ok((name, allowed, heard))
        },
    );
    let result = result.unwrap();
    assert_eq!(result.len(), usize::from(shards));
    for (shard, (name, allowed, heard)) in result.into_iter().enumerate() {
        assert_eq!(name, format!("orrery-shard-{shard}"));
        match cpus.get(shard) {
            Some(cpu) => assert_eq!(allowed, [*cpu]),
            None => assert_eq!(allowed, cpus),
        }
        assert_eq!(heard, (0..shards).collect::<Vec<_>>());
    }
}

/// Beats until it is told to stop.
#[expect(
    clippy::disallowed_methods,
    reason = "a shard that waits in the system"
)]
fn beat_until_stopped<M>(seat: &ShardSeat<M>) {
    while !seat.is_stopping() {
        thread::sleep(Duration::from_micros(500));
    }
}

#[test]
fn the_flag_stops_everyone() {
    let stop = flag();
    let shards = start(
        config(2),
        Arc::clone(&stop),
        |seat: ShardSeat<()>| async move {
            beat_until_stopped(&seat);
            ShardResult::Ok(seat.shard.0)
        },
    );
    let shards = shards.unwrap();
    stop.store(true, Ordering::Release);
    assert_eq!(shards.join().unwrap(), [0, 1]);
}

#[test]
fn an_error_stops_the_others_and_is_told() {
    let ended = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&ended);
    let result = run(config(3), flag(), move |seat: ShardSeat<()>| {
        let log = Arc::clone(&log);
        async move {
            if seat.shard.0 == 1 {
                return Err("out of ink".into());
            }
            beat_until_stopped(&seat);
            log.lock().unwrap().push(seat.shard.0);
            ShardResult::Ok(())
        }
    });
    let error = result.unwrap_err();
    assert!(matches!(
        error,
        RuntimeError::Failed {
            shard: ShardIndex(1),
            ..
        }
    ));
    assert_eq!(error.source().unwrap().to_string(), "out of ink");
    let mut ended = ended.lock().unwrap().clone();
    ended.sort_unstable();
    assert_eq!(ended, [0, 2]);
}

#[test]
fn a_panic_stops_the_others_and_is_told() {
    let result = run(config(2), flag(), move |seat: ShardSeat<()>| async move {
        assert!(seat.shard.0 != 0, "broken {}", "gear");
        beat_until_stopped(&seat);
        ShardResult::Ok(())
    });
    let message = result.unwrap_err().to_string();
    assert_eq!(message, "shard 0 panicked: broken gear");
}

#[test]
fn no_shard_is_an_error() {
    let result = run(config(0), flag(), |_: ShardSeat<()>| async {
        ShardResult::Ok(())
    });
    assert!(matches!(result, Err(RuntimeError::NoShards)));
}
