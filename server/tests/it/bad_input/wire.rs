//! Clients that speak the wrong protocol, break it, or ask for what is not theirs.

use std::net::UdpSocket;
use std::sync::Arc;

use orrery_base::EntityId;
use orrery_base::command::{Command, DIRECTION_ONE, RejectCode};
use orrery_client::connection::{ConnectError, Socket};
use orrery_client::player::{Player, PlayerError, Ticket};
use orrery_proto::PROTOCOL_VERSION;
use orrery_proto::input::{FlyInput, InputDatagram};
use orrery_proto::message::{ClientMessage, MAX_MESSAGE_BYTES, RefusalCode, Reject, ServerMessage};

use super::raw::Raw;
use super::{Watch, assert_well};
use crate::players::{Account, Pilot, block_on, connect, refusal, within};
use crate::process::{Folder, Server};

#[test]
fn connections() {
    let folder = Folder::new(2, 1);
    let server = folder.serve().start();
    let ada = Account::sign_up(&server, "Ada");
    block_on(async {
        // Says the first half of a word and then nothing; its time is over at the end.
        let mut silent = Raw::open(&ada.ticket(&server)).await;
        silent.write(&[40, 1]).await;
        let watch =
            Watch::on(&server).expect("orrery_clients_refused_total", &[("code", "TimedOut")], 1.0);
        unknown_protocol(&server, &ada.ticket(&server)).await;
        no_packets(&server);
        other_versions(&server, &ada.ticket(&server)).await;
        broken_streams(&server, &ada.ticket(&server)).await;
        out_of_order(&server, &ada).await;
        broken_datagrams(&server, &ada).await;
        assert_eq!(silent.refusal().await, RefusalCode::TimedOut);
        watch.fulfilled();
        assert_well(&folder, &server, "Newcomer").await;
    });
    server.stop();
}

async fn unknown_protocol(server: &Server, ticket: &Ticket) {
    for alpn in [&b"orrery/999"[..], b"h3"] {
        let watch = Watch::on(server).expect(
            "orrery_connections_refused_total",
            &[("reason", "protocol")],
            1.0,
        );
        let socket = Socket::towards(ticket.address, ticket.fingerprint, alpn).unwrap();
        match within("the refusal", socket.connect(ticket.address)).await {
            Err(ConnectError::Handshake { source, .. }) => {
                // TLS alert 120, no_application_protocol.
                assert!(source.to_string().contains("120"), "{source}");
            }
            other => panic!("{other:?}"),
        }
        watch.fulfilled();
    }
}

/// UDP datagrams that are no QUIC packets.
fn no_packets(server: &Server) {
    let watch = Watch::on(server).expect("orrery_malformed_total", &[("what", "packet")], 3.0);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for bytes in [&b"orrery?"[..], &[0x40; 5], &[0xff; 6]] {
        socket.send_to(bytes, server.quic4()).unwrap();
    }
    // Answered or not, as QUIC will have it.
    for length in [20, 200, 1_200, 1_472, 9_000] {
        for first in [0x00, 0x40, 0xc0, 0xff] {
            socket
                .send_to(&vec![first; length], server.quic4())
                .unwrap();
        }
    }
    watch.fulfilled();
}

async fn other_versions(server: &Server, ticket: &Ticket) {
    let watch = Watch::on(server)
        .expect(
            "orrery_clients_refused_total",
            &[("code", "ContentMismatch")],
            1.0,
        )
        .expect(
            "orrery_clients_refused_total",
            &[("code", "ProtocolMismatch")],
            1.0,
        );
    let other = Ticket {
        content_hash: ticket.content_hash ^ 1,
        ..ticket.clone()
    };
    assert_eq!(refusal(connect(&other).await), RefusalCode::ContentMismatch);
    let mut raw = Raw::open(ticket).await;
    let (protocol, client) = (PROTOCOL_VERSION + 1, "from the future".to_owned());
    raw.say(&ClientMessage::Hello {
        protocol,
        content_hash: ticket.content_hash,
        client,
    })
    .await;
    assert_eq!(raw.refusal().await, RefusalCode::ProtocolMismatch);
    watch.fulfilled();
}

async fn broken_streams(server: &Server, ticket: &Ticket) {
    let oversize = (MAX_MESSAGE_BYTES as u32 + 1) | 0x80;
    let length = [
        oversize as u8 | 0x80,
        (oversize >> 7) as u8 | 0x80,
        (oversize >> 14) as u8,
    ];
    for (what, bytes, code) in [
        (
            "a message that announces too much",
            &length[..],
            RefusalCode::Oversize,
        ),
        (
            "a length in too many bytes",
            &[0x80, 0x80, 0x00],
            RefusalCode::Malformed,
        ),
        (
            "a greeting that is cut off",
            &[2, 1, 0x81],
            RefusalCode::Malformed,
        ),
        (
            "a name that is no UTF-8",
            &[13, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xff, 0xff],
            RefusalCode::Malformed,
        ),
    ] {
        let watch = Watch::on(server)
            .expect("orrery_malformed_total", &[("what", "message")], 1.0)
            .expect(
                "orrery_clients_refused_total",
                &[("code", code.name())],
                1.0,
            );
        let mut raw = Raw::open(ticket).await;
        raw.write(bytes).await;
        assert_eq!(raw.refusal().await, code, "{what}");
        watch.fulfilled();
    }
}

async fn out_of_order(server: &Server, ada: &Account) {
    let ticket = ada.ticket(server);
    let login = ClientMessage::Login {
        token: ticket.token.clone().into_bytes(),
    };
    let watch = Watch::on(server).expect(
        "orrery_clients_refused_total",
        &[("code", "OutOfOrder")],
        5.0,
    );
    for message in [
        login.clone(),
        ClientMessage::SubscribeInputs {},
        ClientMessage::Command {
            sequence: 1,
            request: 1,
            command: Some(Command::Undock.into()),
        },
    ] {
        let mut raw = Raw::open(&ticket).await;
        raw.say(&message).await;
        assert_eq!(raw.refusal().await, RefusalCode::OutOfOrder, "{message:?}");
    }
    // Another protocol looks like messages of kinds that nobody knows.
    let mut raw = Raw::open(&ticket).await;
    raw.write(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(80)).as_bytes())
        .await;
    assert_eq!(raw.refusal().await, RefusalCode::OutOfOrder);
    // The whole handshake, and then once more from the beginning.
    let (mut raw, _) = Raw::play(&ticket).await;
    raw.hello(ticket.content_hash).await;
    assert_eq!(raw.refusal().await, RefusalCode::OutOfOrder);
    watch.fulfilled();
}

/// Datagrams that are no inputs, and inputs that no stick gives, leave the connection alone.
async fn broken_datagrams(server: &Server, ada: &Account) {
    let (mut raw, _) = Raw::play(&ada.ticket(server)).await;
    raw.say(&ClientMessage::Command {
        sequence: 1,
        request: 1,
        command: Some(Command::Undock.into()),
    })
    .await;
    raw.until(|it| matches!(it, ServerMessage::EntitySpawned { .. }).then_some(()))
        .await;
    within("a snapshot", raw.connection.read_datagram())
        .await
        .unwrap();
    let watch = Watch::on(server)
        .expect("orrery_malformed_total", &[("what", "input")], 4.0)
        .expect(
            "orrery_commands_rejected_total",
            &[("code", "DirectionInvalid")],
            2.0,
        );
    let mut good = Vec::new();
    let fly = |sequence, direction, throttle| FlyInput {
        sequence,
        direction,
        throttle,
    };
    InputDatagram::new(1, None, &[fly(1, [DIRECTION_ONE, 0, 0], 1_000)]).encode(&mut good);
    let mut other_version = good.clone();
    other_version[0] ^= 0xff;
    for bytes in [&b""[..], b"what?", &good[..good.len() - 1], &other_version] {
        raw.connection.send_datagram(bytes.to_vec().into()).unwrap();
    }
    let mut sequence = 1;
    let mut bad = |direction, throttle| {
        sequence += 1;
        let mut bytes = Vec::new();
        InputDatagram::new(sequence, None, &[fly(sequence, direction, throttle)])
            .encode(&mut bytes);
        raw.connection.send_datagram(bytes.into()).unwrap();
    };
    bad([i16::MAX; 3], 1_000);
    bad([DIRECTION_ONE, 0, 0], u16::MAX);
    watch.fulfilled();
    raw.say(&ClientMessage::Command {
        sequence: 2,
        request: 2,
        command: Some(Command::Stop.into()),
    })
    .await;
    let reject = raw.until(|it| match it {
        ServerMessage::CommandResult {
            sequence: 2,
            reject,
            ..
        } => Some(*reject),
        _ => None,
    });
    assert_eq!(reject.await, None, "the connection is as good as before");
}

#[test]
fn commands() {
    let folder = Folder::new(2, 1);
    let server = folder.serve().start();
    let content = Arc::new(folder.content());
    let ada = Account::sign_up(&server, "Ada");
    block_on(async {
        let mut pilot = Pilot::connect(&ada.ticket(&server), &content).await;
        pilot.placed().await;
        let station = pilot.player.situation.docked.unwrap();
        assert_refused(&server, &mut pilot, Command::Stop, RejectCode::Docked).await;
        pilot.undock().await;
        let gate = pilot.until("a gate", |pilot| {
            let mut seen = pilot.player.world.replica().entities();
            Some(seen.find(|it| content.gate(it.type_id).is_some())?.id)
        });
        let gate = gate.await;
        let own = pilot.player.situation.ship;
        for (command, code) in impossible(own, station, gate) {
            assert_refused(&server, &mut pilot, command, code).await;
        }
        pilot.command(Command::Stop).await.unwrap();
        pilot.player.leave().await;
        numbers(&server, &ada).await;
        take_over(&server, &ada, &content).await;
        assert_well(&folder, &server, "Newcomer").await;
    });
    server.stop();
}

async fn assert_refused(server: &Server, pilot: &mut Pilot, command: Command, code: RejectCode) {
    let labels = [("code", code.name())];
    let watch = Watch::on(server).expect("orrery_commands_rejected_total", &labels, 1.0);
    assert_eq!(pilot.command(command).await, Err(code), "{command:?}");
    watch.fulfilled();
}

/// What a ship in space near a station, far from a gate, cannot do.
fn impossible(own: EntityId, station: EntityId, gate: EntityId) -> Vec<(Command, RejectCode)> {
    let fly = |direction, throttle| Command::Fly {
        direction,
        throttle,
    };
    let orbit = |target, range_m| Command::Orbit { target, range_m };
    let approach = |target| Command::Approach { target };
    vec![
        (Command::Undock, RejectCode::NotDocked),
        (
            fly([DIRECTION_ONE, 0, 0], 1_001),
            RejectCode::ThrottleInvalid,
        ),
        (fly([0; 3], 1_000), RejectCode::DirectionInvalid),
        (fly([i16::MIN; 3], 1), RejectCode::DirectionInvalid),
        (orbit(gate, 499), RejectCode::RangeInvalid),
        (
            Command::KeepAtRange {
                target: gate,
                range_m: u32::MAX,
            },
            RejectCode::RangeInvalid,
        ),
        (
            approach(EntityId::minted(1_000_000)),
            RejectCode::TargetUnknown,
        ),
        (
            Command::Align {
                target: EntityId(u64::MAX),
            },
            RejectCode::TargetUnknown,
        ),
        (orbit(EntityId::NONE, 1_000), RejectCode::TargetUnknown),
        (approach(own), RejectCode::TargetIsSelf),
        (Command::Jump { gate: station }, RejectCode::NotAGate),
        (Command::Jump { gate }, RejectCode::GateOutOfRange),
        (Command::Dock { station: gate }, RejectCode::NotAStation),
    ]
}

/// A query from the future is answered, too.
async fn unknown_query(raw: &mut Raw) {
    raw.say(&ClientMessage::Query {
        sequence: 77,
        query: None,
    })
    .await;
    let answer = raw.until(|it| match it {
        ServerMessage::QueryAnswer {
            sequence: 77,
            last: true,
            view: None,
            reject,
        } => Some(reject.and_then(Reject::code)),
        _ => None,
    });
    assert_eq!(answer.await, Some(RejectCode::UnknownCommand));
}

/// Numbers of commands that were used before or are missing, commands from the future, floods.
async fn numbers(server: &Server, ada: &Account) {
    let watch = Watch::on(server)
        .expect(
            "orrery_commands_rejected_total",
            &[("code", "SequenceReused")],
            2.0,
        )
        .expect(
            "orrery_commands_rejected_total",
            &[("code", "RequestMissing")],
            1.0,
        )
        .expect(
            "orrery_commands_rejected_total",
            &[("code", "UnknownCommand")],
            2.0,
        )
        .expect(
            "orrery_commands_rejected_total",
            &[("code", "TooManyCommands")],
            1.0,
        );
    let ticket = ada.ticket(server);
    let mut raw = Raw::open(&ticket).await;
    raw.hello(ticket.content_hash).await;
    raw.until(|it| matches!(it, ServerMessage::Welcome { .. }).then_some(()))
        .await;
    raw.say(&ClientMessage::Login {
        token: ticket.token.clone().into_bytes(),
    })
    .await;
    raw.until(|it| matches!(it, ServerMessage::PlayerLoaded { .. }).then_some(()))
        .await;
    raw.say(&ClientMessage::SubscribeInputs {}).await;
    raw.until(|it| matches!(it, ServerMessage::EntitySpawned { .. }).then_some(()))
        .await;
    let stop = Some(Command::Stop);
    for (sequence, request, command, code) in [
        (5, 1, stop, None),
        (5, 2, stop, Some(RejectCode::SequenceReused)),
        (4, 3, stop, Some(RejectCode::SequenceReused)),
        (6, 0, stop, Some(RejectCode::RequestMissing)),
        (7, 4, None, Some(RejectCode::UnknownCommand)),
        (8, 5, stop, None),
    ] {
        raw.say(&ClientMessage::Command {
            sequence,
            request,
            command: command.map(Into::into),
        })
        .await;
        let answer = raw.until(|it| match it {
            ServerMessage::CommandResult {
                request: of,
                reject,
                ..
            } if *of == request => Some(*reject),
            _ => None,
        });
        let found = answer.await.map(|reject| reject.code().unwrap());
        assert_eq!(found, code, "command {sequence}, request {request}");
    }
    unknown_query(&mut raw).await;
    for sequence in 100..300 {
        let request = u128::from(sequence);
        raw.say(&ClientMessage::Command {
            sequence,
            request,
            command: stop.map(Into::into),
        })
        .await;
    }
    let last = raw.until(|it| match it {
        ServerMessage::CommandResult {
            sequence: 299,
            reject,
            ..
        } => Some(*reject),
        _ => None,
    });
    last.await;
    watch.fulfilled();
    raw.say(&ClientMessage::Bye {}).await;
    match within("goodbye", raw.connection.closed()).await {
        quinn::ConnectionError::ApplicationClosed(close) => {
            assert_eq!(close.error_code.into_inner(), 0);
        }
        other => panic!("{other}"),
    }
}

/// The wire has no word for somebody else's ship. What comes nearest is a second client of the
/// same character: it takes over, and the first is told.
async fn take_over(server: &Server, ada: &Account, content: &Arc<orrery_game::content::Content>) {
    let watch = Watch::on(server).expect(
        "orrery_clients_refused_total",
        &[("code", "AlreadyPlaying")],
        1.0,
    );
    let mut first = Pilot::connect(&ada.ticket(server), content).await;
    first.placed().await;
    let mut second = Pilot::connect(&ada.ticket(server), content).await;
    assert_ne!(
        first.player.situation.client,
        second.player.situation.client
    );
    second.placed().await;
    assert_eq!(first.until_refused().await, RefusalCode::AlreadyPlaying);
    watch.fulfilled();
    assert_eq!(second.player.situation.ship, first.player.situation.ship);
    second.command(Command::Stop).await.unwrap();
    second.player.leave().await;
}

#[test]
fn a_full_server() {
    let folder = Folder::new(2, 1);
    // One shard: the places are shared out among the shards with some to spare.
    let server = folder
        .serve()
        .shards(1)
        .set("edge.max_clients", "1")
        .start();
    let content = Arc::new(folder.content());
    let (ada, ben) = (
        Account::sign_up(&server, "Ada"),
        Account::sign_up(&server, "Ben"),
    );
    block_on(async {
        let mut pilot = Pilot::connect(&ada.ticket(&server), &content).await;
        pilot.undock().await;
        let watch = Watch::on(&server).expect(
            "orrery_connections_refused_total",
            &[("reason", "full")],
            1.0,
        );
        let late = ben.ticket(&server);
        match connect(&late).await {
            Err(PlayerError::Refused {
                code: RefusalCode::ServerFull,
                sentence,
            }) => {
                assert!(sentence.contains("full"), "{sentence}");
            }
            Err(error) => panic!("{error:?}"),
            Ok(_) => panic!("there was room"),
        }
        watch.fulfilled();
        // Who is there stays, and the place is free when it goes; the token is still good.
        pilot.command(Command::Stop).await.unwrap();
        pilot.player.leave().await;
        let mut next = connect(&late).await;
        while let Err(PlayerError::Refused {
            code: RefusalCode::ServerFull,
            ..
        }) = next
        {
            next = connect(&late).await;
        }
        let player: Player = next.unwrap();
        player.leave().await;
    });
    server.stop();
}
