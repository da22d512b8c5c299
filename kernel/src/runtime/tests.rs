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
                yield_now().await;
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

#[test]
fn a_timer_ends_at_its_deadline_and_not_before() {
    let result = run(config(1), flag(), |seat: ShardSeat<()>| async move {
        let due = seat.clock.now_ns() + 3_000_000;
        seat.clock.sleep_until_ns(due).await;
        let now = seat.clock.now_ns();
        // One that has passed does not wait.
        seat.clock.sleep_until_ns(0).await;
        ShardResult::Ok((due, now))
    });
    let (due, now) = result.unwrap()[0];
    assert!(now >= due, "woke {} ns early", due - now);
}

#[test]
fn timers_fire_while_another_task_waits_actively() {
    let result = run(config(1), flag(), |seat: ShardSeat<()>| async move {
        let fired = std::rc::Rc::new(std::cell::Cell::new(false));
        let (clock, flag) = (seat.clock, std::rc::Rc::clone(&fired));
        let task = glommio::spawn_local(async move {
            clock.sleep_until_ns(clock.now_ns() + 2_000_000).await;
            flag.set(true);
        });
        let task = task.detach();
        while !fired.get() {
            yield_now().await;
        }
        task.await;
        ShardResult::Ok(())
    });
    result.unwrap();
}

/// Beats until it is told to stop.
async fn beat_until_stopped<M>(seat: &ShardSeat<M>) {
    while !seat.is_stopping() {
        seat.clock
            .sleep_until_ns(seat.clock.now_ns() + 500_000)
            .await;
    }
}

#[test]
fn the_flag_stops_everyone() {
    let stop = flag();
    let shards = start(
        config(2),
        Arc::clone(&stop),
        |seat: ShardSeat<()>| async move {
            beat_until_stopped(&seat).await;
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
            beat_until_stopped(&seat).await;
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
    for in_spawned_task in [false, true] {
        let result = run(config(2), flag(), move |seat: ShardSeat<()>| async move {
            if seat.shard.0 == 0 {
                if in_spawned_task {
                    glommio::spawn_local(async { panic!("broken {}", "gear") }).detach();
                    yield_now().await;
                } else {
                    panic!("broken {}", "gear");
                }
            }
            beat_until_stopped(&seat).await;
            ShardResult::Ok(())
        });
        let message = result.unwrap_err().to_string();
        assert_eq!(
            message, "shard 0 panicked: broken gear",
            "{in_spawned_task}"
        );
    }
}

#[test]
fn no_shard_is_an_error() {
    let result = run(config(0), flag(), |_: ShardSeat<()>| async {
        ShardResult::Ok(())
    });
    assert!(matches!(result, Err(RuntimeError::NoShards)));
}
