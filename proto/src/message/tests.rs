use orrery_base::ObjectId;
use orrery_base::command::{Command, RejectCode};
use proptest::prelude::*;

use super::*;

mod value;

fn names() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 ñé漢]{0,16}"
}

fn entities() -> impl Strategy<Value = EntityId> {
    prop_oneof![
        any::<u32>().prop_map(|id| EntityId::of_object(ObjectId(id))),
        (0..1_u64 << 40).prop_map(EntityId::minted),
        any::<u64>().prop_map(EntityId),
    ]
}

fn commands() -> impl Strategy<Value = WireCommand> {
    prop_oneof![
        flight_commands().prop_map(WireCommand::from),
        value::value_commands().prop_map(WireCommand::from),
    ]
}

fn flight_commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        (any::<[i16; 3]>(), any::<u16>()).prop_map(|(direction, throttle)| Command::Fly {
            direction,
            throttle
        }),
        entities().prop_map(|target| Command::Approach { target }),
        (entities(), any::<u32>())
            .prop_map(|(target, range_m)| Command::KeepAtRange { target, range_m }),
        (entities(), any::<u32>()).prop_map(|(target, range_m)| Command::Orbit { target, range_m }),
        entities().prop_map(|target| Command::Align { target }),
        Just(Command::Stop),
        any::<bool>().prop_map(|on| Command::Afterburner { on }),
        entities().prop_map(|gate| Command::Jump { gate }),
        entities().prop_map(|station| Command::Dock { station }),
        Just(Command::Undock),
    ]
}

fn client_messages() -> impl Strategy<Value = ClientMessage> {
    prop_oneof![
        (any::<u16>(), any::<u64>(), names()).prop_map(|(protocol, content_hash, client)| {
            ClientMessage::Hello {
                protocol,
                content_hash,
                client,
            }
        }),
        prop::collection::vec(any::<u8>(), 0..=MAX_TOKEN_BYTES)
            .prop_map(|token| ClientMessage::Login { token }),
        Just(ClientMessage::SubscribeInputs {}),
        (any::<u32>(), any::<u128>(), prop::option::of(commands())).prop_map(
            |(sequence, request, command)| ClientMessage::Command {
                sequence,
                request,
                command
            }
        ),
        prop::collection::vec(any::<u64>().prop_map(CharacterId), 0..=MAX_NAMES)
            .prop_map(|characters| ClientMessage::WhoIs { characters }),
        Just(ClientMessage::Bye {}),
        (any::<u32>(), prop::option::of(value::queries()))
            .prop_map(|(sequence, query)| ClientMessage::Query { sequence, query }),
        (100..u64::MAX).prop_map(ClientMessage::Unknown),
    ]
}

fn ticks() -> impl Strategy<Value = Tick> {
    any::<u64>().prop_map(Tick)
}

fn server_messages() -> impl Strategy<Value = ServerMessage> {
    let refusals = prop::sample::select(RefusalCode::ALL);
    let reasons = prop::sample::select(DepartureReason::ALL);
    let rejects = prop::sample::select(RejectCode::ALL).prop_map(Reject::from);
    let first = prop_oneof![
        (
            any::<u16>(),
            any::<u64>(),
            any::<u16>(),
            any::<u8>(),
            ticks()
        )
            .prop_map(
                |(protocol, content_hash, beats_per_second, snapshot_interval_beats, tick)| {
                    ServerMessage::Welcome {
                        protocol,
                        content_hash,
                        beats_per_second,
                        snapshot_interval_beats,
                        tick,
                    }
                }
            ),
        (refusals, names()).prop_map(|(code, sentence)| ServerMessage::Refused { code, sentence }),
        any::<u64>().prop_map(|id| ServerMessage::Authenticated {
            account: AccountId(id)
        }),
        any::<u64>().prop_map(|id| ServerMessage::ClientIdAssigned {
            client: ClientId(id)
        }),
        (
            any::<u64>(),
            names(),
            any::<u32>(),
            prop::option::of(entities().prop_filter("some", |id| id.is_some())),
            entities(),
            any::<u32>()
        )
            .prop_map(|(character, name, system, docked, ship, ship_type)| {
                ServerMessage::PlayerLoaded {
                    character: CharacterId(character),
                    name,
                    system: SystemId(system),
                    docked,
                    ship,
                    ship_type: TypeId(ship_type),
                }
            }),
        Just(ServerMessage::InputsSubscribed {}),
        (any::<u32>(), any::<u32>(), entities(), ticks()).prop_map(
            |(grid, system, entity, tick)| ServerMessage::EntitySpawned {
                grid: GridId(grid),
                system: SystemId(system),
                entity,
                tick,
            }
        ),
    ];
    let second = prop_oneof![
        (any::<u32>(), reasons.clone()).prop_map(|(grid, reason)| ServerMessage::GridLeft {
            grid: GridId(grid),
            reason
        }),
        (entities(), ticks()).prop_map(|(station, tick)| ServerMessage::Docked { station, tick }),
        (
            any::<u32>(),
            any::<u128>(),
            ticks(),
            prop::option::of(rejects),
            prop_oneof![Just(ValueAnswer::default()), value::answers()]
        )
            .prop_map(|(sequence, request, tick, reject, answer)| {
                ServerMessage::CommandResult {
                    sequence,
                    request,
                    tick,
                    reject,
                    answer,
                }
            }),
        (entities(), reasons)
            .prop_map(|(entity, reason)| ServerMessage::Departed { entity, reason }),
        prop::collection::vec((any::<u64>().prop_map(CharacterId), names()), 0..=MAX_NAMES)
            .prop_map(|names| ServerMessage::Names { names }),
        (any::<u16>(), ticks()).prop_map(|(per_mille, from_tick)| ServerMessage::Dilation {
            per_mille,
            from_tick
        }),
        (prop::sample::select(Severity::ALL), names())
            .prop_map(|(severity, text)| ServerMessage::Notice { severity, text }),
        any::<u32>().prop_map(|seconds| ServerMessage::Draining { seconds }),
    ];
    prop_oneof![first, second, value::value_messages()]
}

fn frames(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut decoder = FrameDecoder::new();
    let mut frames = Vec::new();
    for bytes in stream.chunks(piece) {
        decoder.push(bytes);
        while let Some(frame) = decoder.poll().unwrap() {
            frames.push(frame.to_vec());
        }
    }
    assert_eq!(decoder.waiting_bytes(), 0);
    frames
}

proptest! {
    #[test]
    fn client_messages_round_trip(messages in prop::collection::vec(client_messages(), 1..8), piece in 1_usize..40) {
        let mut stream = Vec::new();
        messages.iter().for_each(|message| message.encode(&mut stream));
        let read: Vec<_> = frames(&stream, piece)
            .iter()
            .map(|frame| ClientMessage::decode(frame).unwrap())
            .collect();
        prop_assert_eq!(read, messages);
    }

    #[test]
    fn server_messages_round_trip(messages in prop::collection::vec(server_messages(), 1..8), piece in 1_usize..40) {
        let mut stream = Vec::new();
        messages.iter().for_each(|message| message.encode(&mut stream));
        let read: Vec<_> = frames(&stream, piece)
            .iter()
            .map(|frame| ServerMessage::decode(frame).unwrap())
            .collect();
        prop_assert_eq!(read, messages);
    }

    /// A later version appends fields: this one reads what it knows.
    #[test]
    fn fields_of_a_later_version_are_skipped(message in server_messages(), more in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut longer = frames(&message.to_frame(), 64).remove(0);
        longer.extend(&more);
        // (Names and notices end in what could go on only by their own counts.)
        prop_assert_eq!(ServerMessage::decode(&longer).unwrap(), message);
    }

    #[test]
    fn arbitrary_frames_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50) {
        let _ = ClientMessage::decode(&bytes);
        let _ = ServerMessage::decode(&bytes);
        let mut decoder = FrameDecoder::new();
        for part in bytes.chunks(piece) {
            decoder.push(part);
            while let Ok(Some(frame)) = decoder.poll() {
                let _ = ClientMessage::decode(frame);
                let _ = ServerMessage::decode(frame);
            }
        }
    }
}

#[test]
fn fields_of_an_older_version_have_defaults() {
    // A `CommandResult` of a version that knew no request ids, ticks or rejects.
    let message = ServerMessage::decode(&[10, 7]).unwrap();
    let expected = ServerMessage::CommandResult {
        sequence: 7,
        request: 0,
        tick: Tick(0),
        reject: None,
        answer: ValueAnswer::default(),
    };
    assert_eq!(message, expected);
    assert_eq!(
        ClientMessage::decode(&[4, 9]).unwrap(),
        ClientMessage::Command {
            sequence: 9,
            request: 0,
            command: None
        }
    );
}

#[test]
fn a_command_of_a_later_version_is_surfaced_as_none() {
    let mut frame = vec![4, 3];
    frame.extend([0; 16]);
    frame.extend([3, 99, 1, 2]);
    assert_eq!(
        ClientMessage::decode(&frame).unwrap(),
        ClientMessage::Command {
            sequence: 3,
            request: 0,
            command: None
        }
    );
}

#[test]
fn unknown_numbers_do_not_end_a_connection() {
    let message = ServerMessage::decode(&[2, 0xff, 0xff, 0x03, 0]).unwrap();
    assert!(matches!(
        message,
        ServerMessage::Refused {
            code: RefusalCode::Unspecified,
            ..
        }
    ));
    let mut frame = vec![10, 1];
    frame.extend([0; 16]);
    frame.extend([5, 0xe7, 0x07]);
    let ServerMessage::CommandResult {
        reject: Some(reject),
        ..
    } = ServerMessage::decode(&frame).unwrap()
    else {
        panic!("an unknown reject is still a reject");
    };
    assert_eq!((reject.number(), reject.code()), (999, None));
    assert!(reject.sentence().ends_with('.'));
}

#[test]
fn oversize_ends_the_stream() {
    let mut decoder = FrameDecoder::new();
    // 16,385 as a varint.
    decoder.push(&[0x81, 0x80, 0x01]);
    assert_eq!(decoder.poll(), Err(FrameError::Oversize(16_385)));
    decoder.push(&[1, 6]);
    assert_eq!(decoder.poll(), Err(FrameError::Oversize(16_385)));
    let mut decoder = FrameDecoder::new();
    decoder.push(&[0x80, 0x00]);
    assert_eq!(decoder.poll(), Err(FrameError::Length));
    let mut decoder = FrameDecoder::new();
    let mut largest = vec![0x80, 0x80, 0x01];
    largest.extend(vec![77; MAX_MESSAGE_BYTES]);
    decoder.push(&largest);
    assert_eq!(decoder.poll().unwrap().unwrap().len(), MAX_MESSAGE_BYTES);
    assert_eq!(decoder.poll(), Ok(None));
}

#[test]
fn what_is_beyond_its_limit_is_cut_and_stays_readable() {
    let long = "ñ".repeat(1_000);
    let message = ServerMessage::Names {
        names: vec![(CharacterId(u64::MAX), long); 200],
    };
    let frame = frames(&message.to_frame(), 1_000).remove(0);
    assert!(frame.len() <= MAX_MESSAGE_BYTES);
    let ServerMessage::Names { names } = ServerMessage::decode(&frame).unwrap() else {
        panic!("names stay names");
    };
    assert_eq!(names.len(), MAX_NAMES);
    assert_eq!(names[0].1.len(), MAX_NAME_BYTES);
    let token = ClientMessage::Login {
        token: vec![1; 2_000],
    };
    let frame = frames(&token.to_frame(), 999).remove(0);
    assert_eq!(
        ClientMessage::decode(&frame).unwrap(),
        ClientMessage::Login {
            token: vec![1; MAX_TOKEN_BYTES]
        }
    );
}

#[test]
fn a_list_must_be_as_long_as_it_says() {
    assert_eq!(
        ClientMessage::decode(&[5, 3, 1, 2]),
        Err(FieldError::Truncated)
    );
    assert_eq!(
        ClientMessage::decode(&[5, 65]),
        Err(FieldError::TooLong {
            length: 65,
            most: 64
        })
    );
}

#[test]
fn kinds_and_codes_are_stable() {
    // Numbers are the wire's: adding one is a line here, changing one is a break.
    let client: Vec<_> = ClientMessage::KINDS.iter().map(|(kind, _)| *kind).collect();
    let server: Vec<_> = ServerMessage::KINDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(client, (1..=7).collect::<Vec<_>>());
    assert_eq!(server, (1..=24).collect::<Vec<_>>());
    for &code in RefusalCode::ALL {
        assert_eq!(RefusalCode::from_number(code as u64), code);
        assert!(code == RefusalCode::Unspecified || code.sentence().ends_with('.'));
    }
    assert_eq!(ServerMessage::refused(RefusalCode::Draining).kind(), 2);
    assert_eq!(RefusalCode::Malformed.name(), "Malformed");
}
