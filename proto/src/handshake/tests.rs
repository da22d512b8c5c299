use orrery_base::command::Command;
use orrery_base::money::Money;
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, SystemId, Tick, TypeId};
use proptest::prelude::*;

use super::*;
use crate::message::{DepartureReason, Severity};

const HASH: u64 = 0xfeed;

fn client_message(kind: usize) -> ClientMessage {
    match kind {
        0 => ClientMessage::Hello {
            protocol: 1,
            content_hash: HASH,
            client: "test".to_owned(),
        },
        1 => ClientMessage::Login { token: vec![1] },
        2 => ClientMessage::SubscribeInputs {},
        3 => ClientMessage::Command {
            sequence: 1,
            request: 1,
            command: Some(Command::Stop.into()),
        },
        4 => ClientMessage::WhoIs {
            characters: Vec::new(),
        },
        5 => ClientMessage::Bye {},
        6 => ClientMessage::Query {
            sequence: 1,
            query: None,
        },
        _ => ClientMessage::Unknown(99),
    }
}

fn server_message(kind: usize) -> ServerMessage {
    let tick = Tick(5);
    match kind {
        0 => ServerMessage::Welcome {
            protocol: 1,
            content_hash: HASH,
            beats_per_second: 30,
            snapshot_interval_beats: 2,
            tick,
        },
        1 => ServerMessage::Authenticated {
            account: AccountId(1),
        },
        2 => ServerMessage::ClientIdAssigned {
            client: ClientId(1),
        },
        3 => ServerMessage::PlayerLoaded {
            character: CharacterId(1),
            name: "A".to_owned(),
            system: SystemId(1),
            docked: None,
            ship: EntityId::minted(1),
            ship_type: TypeId(1),
        },
        4 => ServerMessage::InputsSubscribed {},
        5 => ServerMessage::EntitySpawned {
            grid: GridId(1),
            system: SystemId(1),
            entity: EntityId::minted(1),
            tick,
        },
        6 => ServerMessage::GridLeft {
            grid: GridId(1),
            reason: DepartureReason::Jumped,
        },
        7 => ServerMessage::Docked {
            station: EntityId(1),
            tick,
        },
        8 => ServerMessage::Names { names: Vec::new() },
        9 => ServerMessage::Dilation {
            per_mille: 500,
            from_tick: tick,
        },
        10 => ServerMessage::QueryAnswer {
            sequence: 1,
            last: true,
            view: None,
            reject: None,
        },
        11 => ServerMessage::WalletChanged {
            balance: Money(1),
            amount: Money(1),
            reason: None,
        },
        _ => ServerMessage::Notice {
            severity: Severity::Information,
            text: String::new(),
        },
    }
}

/// Both machines walk the eleven steps together.
#[test]
fn eleven_steps() {
    let mut server = ServerHandshake::new(1, HASH);
    let mut client = ClientHandshake::new();
    assert_eq!(
        (server.step(), client.step()),
        (Step::Connected, Step::Connected)
    );
    let mut owed = Vec::new();
    let mut reached = vec![Step::Connected];
    let mut note = |progress| {
        if let Progress::Reached(step) = progress {
            reached.push(step);
        }
    };
    // Who speaks, and which message.
    let script = [
        (true, 0),
        (false, 0),
        (true, 1),
        (false, 1),
        (false, 2),
        (false, 3),
        (true, 2),
        (false, 4),
        (false, 5),
    ];
    for (by_client, kind) in script {
        owed.extend(client.owes());
        if by_client {
            let message = client_message(kind);
            assert_eq!(client.owes(), Some(message.name()));
            client.sending(&message).unwrap();
            note(server.received(&message).unwrap());
        } else {
            let message = server_message(kind);
            note(server.sending(&message).unwrap());
            client.received(&message).unwrap();
        }
        assert!(server.step() >= client.step());
    }
    note(server.publishing().unwrap());
    assert_eq!(
        client.snapshot(),
        Some(Progress::Reached(Step::StatePublished))
    );
    assert_eq!(client.input(), Some(Progress::Reached(Step::InputsFlowing)));
    note(server.input().unwrap());
    assert_eq!(reached, Step::ALL);
    owed.dedup();
    assert_eq!(owed, ["Hello", "Login", "SubscribeInputs"]);
    // Everything of the later game is legal now, and nothing goes back.
    for kind in 5..13 {
        let message = server_message(kind);
        assert_eq!(server.sending(&message), Ok(Progress::Unchanged));
        assert_eq!(client.received(&message), Ok(Progress::Unchanged));
    }
    assert_eq!(
        (server.step(), client.step()),
        (Step::InputsFlowing, Step::InputsFlowing)
    );
}

/// What is legal at each step on the server, in full: a table that changes with the protocol.
#[test]
fn legal_messages_by_step() {
    let mut server = ServerHandshake::new(1, HASH);
    let legal_now = |server: &ServerHandshake| -> String {
        (0..8)
            .map(
                |kind| match server.clone().received(&client_message(kind)) {
                    Ok(_) => 'x',
                    Err(code) => {
                        assert_eq!(code, RefusalCode::OutOfOrder);
                        '.'
                    }
                },
            )
            .collect()
    };
    // Hello, Login, SubscribeInputs, Command, WhoIs, Bye, Query, unknown.
    assert_eq!(legal_now(&server), "x....x..", "connected");
    server.received(&client_message(0)).unwrap();
    assert_eq!(legal_now(&server), ".....x.x", "hello");
    server.sending(&server_message(0)).unwrap();
    assert_eq!(legal_now(&server), ".x...x.x", "content agreed");
    server.received(&client_message(1)).unwrap();
    assert_eq!(legal_now(&server), ".....x.x", "login presented");
    server.sending(&server_message(1)).unwrap();
    assert_eq!(legal_now(&server), ".....x.x", "authenticated");
    server.sending(&server_message(2)).unwrap();
    assert_eq!(legal_now(&server), ".....x.x", "client id assigned");
    server.sending(&server_message(3)).unwrap();
    assert_eq!(legal_now(&server), "..x.xx.x", "player loaded");
    server.sending(&server_message(4)).unwrap();
    assert_eq!(legal_now(&server), "...xxxxx", "inputs subscribed");
    server.sending(&server_message(5)).unwrap();
    assert_eq!(legal_now(&server), "...xxxxx", "entity spawned");
}

#[test]
fn a_hello_that_does_not_fit_is_refused() {
    let hello = |protocol, content_hash| ClientMessage::Hello {
        protocol,
        content_hash,
        client: String::new(),
    };
    let received = |message| ServerHandshake::new(1, HASH).received(&message);
    assert_eq!(received(hello(2, HASH)), Err(RefusalCode::ProtocolMismatch));
    assert_eq!(received(hello(1, 1)), Err(RefusalCode::ContentMismatch));
    assert_eq!(received(hello(1, HASH)), Ok(Progress::Reached(Step::Hello)));
}

#[test]
fn datagrams_that_overtake_the_stream_are_ignored() {
    let mut server = ServerHandshake::new(1, HASH);
    let mut client = ClientHandshake::new();
    assert_eq!(server.input(), None);
    assert_eq!(server.publishing(), Err(RefusalCode::InternalError));
    assert_eq!(client.snapshot(), None);
    assert_eq!(client.input(), None);
}

#[test]
fn a_refusal_is_its_code() {
    let mut client = ClientHandshake::new();
    let refused = ServerMessage::refused(RefusalCode::ServerFull);
    assert_eq!(client.received(&refused), Err(RefusalCode::ServerFull));
    // And the server may say so at any time.
    let mut server = ServerHandshake::new(1, HASH);
    assert_eq!(server.sending(&refused), Ok(Progress::Unchanged));
}

proptest! {
    /// Whatever is said in whatever order: no panic, no step skipped, none taken back, and a
    /// refused message changes nothing.
    #[test]
    fn steps_are_taken_one_by_one(script in prop::collection::vec((any::<bool>(), 0_usize..13), 0..60)) {
        let mut server = ServerHandshake::new(1, HASH);
        let mut client = ClientHandshake::new();
        for (by_client, kind) in script {
            let before = (server.step(), client.step());
            let (on_server, on_client) = if by_client {
                let message = client_message(kind);
                (server.received(&message), client.sending(&message))
            } else {
                let message = server_message(kind);
                (server.sending(&message), client.received(&message))
            };
            for (was, is, result) in [
                (before.0, server.step(), on_server),
                (before.1, client.step(), on_client),
            ] {
                match result {
                    Ok(Progress::Reached(step)) => {
                        prop_assert_eq!(step, is);
                        prop_assert_eq!(is.number(), was.number() + 1);
                    }
                    Ok(Progress::Unchanged) | Err(_) => prop_assert_eq!(was, is),
                }
            }
        }
    }
}
