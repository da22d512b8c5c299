//! Heavy frames gather before they are applied; whoever waits for a receipt does not wait for that.

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn start(options: CommitOptions) -> Gate {
    let mut gate = Gate::new(1, options);
    gate.open();
    gate
}

/// A beat with so many bytes of rows.
fn submit(gate: &mut Gate, beat: u64, bytes: usize) {
    let batch = put(Domain::Ship, &beat.to_be_bytes(), &vec![1; bytes]);
    gate.ports[0]
        .submit(Tick(beat), Submission::from(batch))
        .unwrap();
    gate.wait_durable(beat);
}

fn gathering(gather_bytes_max: usize) -> CommitOptions {
    CommitOptions {
        gather_bytes_max,
        gather_delay: HOUR,
        ..patient()
    }
}

#[test]
fn a_receipt_ends_the_gathering() {
    let mut gate = start(CommitOptions {
        control_delay: Duration::ZERO,
        ..gathering(64 << 20)
    });
    for beat in 1..=3 {
        submit(&mut gate, beat, 1 << 20);
    }
    assert_eq!(gate.committer.applied().beat(), None);
    let receipt = gate.control.commit(account("anna"));
    assert_eq!(receipt.wait(PATIENCE), Ok(()));
    assert_eq!(gate.committer.applied().beat(), Some(Tick(3)));
    let rows = gate.sink.rows();
    assert_eq!(dump(&rows, Domain::Ship).len(), 3);
    assert_eq!(dump(&rows, Domain::Account).len(), 1);
    let stats = gate.committer.stats().snapshot();
    assert_eq!((stats.apply_frames.count, stats.apply_frames.max), (1, 4));
}

#[test]
fn enough_ends_the_gathering() {
    let mut gate = start(gathering(3 << 20));
    for beat in 1..=3 {
        submit(&mut gate, beat, 1 << 20);
    }
    assert_eq!(gate.committer.applied().wait(Tick(3), PATIENCE), Ok(true));
    assert_eq!(dump(&gate.sink.rows(), Domain::Ship).len(), 3);
}

#[test]
fn light_frames_are_applied_at_once() {
    let mut gate = start(gathering(64 << 20));
    submit(&mut gate, 1, 100);
    assert_eq!(gate.committer.applied().wait(Tick(1), PATIENCE), Ok(true));
    // And heavy ones at an orderly end.
    submit(&mut gate, 2, 1 << 20);
    let Gate {
        committer, sink, ..
    } = gate;
    assert!(committer.finish().unwrap().clean);
    assert_eq!(dump(&sink.rows(), Domain::Ship).len(), 2);
}
