//! The wire vectors of `tests/golden/`.
//!
//! Each file is text: a line of input, then lines with what must be read from it. The tests read
//! the input lines *of the file*, render what this crate makes of them, and compare the whole
//! text; then they make the inputs themselves and compare the bytes. Where a difference is
//! meant, the new text lies in the folder that the failure names. Re-minting needs a stated
//! reason: other clients live by these files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use orrery_base::command::{Command, RejectCode};
use orrery_base::value::ValueAnswer;
use orrery_base::{
    AccountId, CharacterId, ClientId, EntityId, GridId, ObjectId, SystemId, Tick, TypeId,
};
use orrery_proto::input::{FlyInput, InputDatagram, SnapshotAck};
use orrery_proto::message::{
    ClientMessage, DepartureReason, FrameDecoder, RefusalCode, ServerMessage, Severity,
};
use orrery_proto::snapshot::Replica;

use crate::scenario;

mod combat;
mod value;

/// Reads a golden file, renders its inputs anew and compares; returns the inputs.
fn check(name: &str, keyword: &str, mut render: impl FnMut(&[u8], &mut String)) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let inputs: Vec<Vec<u8>> = golden
        .lines()
        .filter_map(|line| line.strip_prefix(keyword)?.strip_prefix(' '))
        .map(unhex)
        .collect();
    let text = rendered(keyword, &inputs, &mut render);
    let body: String = golden
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect();
    assert_eq!(text, body, "{name}: bytes are read as they always were");
    inputs
}

/// Compares the inputs of a golden file with those that this version makes.
fn compare(
    name: &str,
    keyword: &str,
    golden: &[Vec<u8>],
    made: &[Vec<u8>],
    mut render: impl FnMut(&[u8], &mut String),
) {
    if golden == made {
        return;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, rendered(keyword, made, &mut render)).unwrap();
    panic!(
        "{name}: other bytes are written than always were; if that is meant: {}",
        path.display()
    );
}

fn rendered(
    keyword: &str,
    inputs: &[Vec<u8>],
    render: &mut impl FnMut(&[u8], &mut String),
) -> String {
    let mut text = String::new();
    for input in inputs {
        writeln!(text, "{keyword} {}", hex(input)).unwrap();
        render(input, &mut text);
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "whole bytes: {text}");
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn frame(stream: &[u8]) -> Vec<u8> {
    let mut decoder = FrameDecoder::new();
    decoder.push(stream);
    decoder.poll().unwrap().unwrap().to_vec()
}

const REQUEST: u128 = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;

fn client_messages() -> Vec<ClientMessage> {
    let target = EntityId::minted(300);
    let station = EntityId::of_object(ObjectId(1_000_000));
    let mut messages = vec![
        ClientMessage::Hello {
            protocol: 1,
            content_hash: 0x0123_4567_89ab_cdef,
            client: "golden/1 ñ".to_owned(),
        },
        ClientMessage::Login {
            token: b"v4.public.token".to_vec(),
        },
        ClientMessage::SubscribeInputs {},
        ClientMessage::WhoIs {
            characters: vec![CharacterId(1), CharacterId(u64::MAX)],
        },
        ClientMessage::Bye {},
    ];
    let commands = [
        Command::Fly {
            direction: [16_384, -1, 0],
            throttle: 1_000,
        },
        Command::Approach { target },
        Command::KeepAtRange {
            target,
            range_m: 10_000,
        },
        Command::Orbit {
            target,
            range_m: u32::MAX,
        },
        Command::Align { target: station },
        Command::Stop,
        Command::Afterburner { on: true },
        Command::Jump { gate: station },
        Command::Dock { station },
        Command::Undock,
    ];
    messages.extend(commands.into_iter().enumerate().map(|(index, command)| {
        ClientMessage::Command {
            sequence: index as u32 + 127,
            request: REQUEST,
            command: Some(command.into()),
        }
    }));
    messages.extend(value::client_messages());
    messages.extend(combat::client_messages());
    messages
}

fn server_messages() -> Vec<ServerMessage> {
    let ship = EntityId::minted(300);
    let station = EntityId::of_object(ObjectId(1_000_000));
    let tick = Tick(123_456_789);
    let loaded = |docked| ServerMessage::PlayerLoaded {
        character: CharacterId(42),
        name: "Ada".to_owned(),
        system: SystemId(7),
        docked,
        ship,
        ship_type: TypeId(300),
    };
    let result = |reject: Option<RejectCode>| ServerMessage::CommandResult {
        sequence: 128,
        request: REQUEST,
        tick,
        reject: reject.map(Into::into),
        answer: ValueAnswer::default(),
    };
    let mut messages = vec![
        ServerMessage::Welcome {
            protocol: 1,
            content_hash: 0x0123_4567_89ab_cdef,
            beats_per_second: 30,
            snapshot_interval_beats: 2,
            tick,
        },
        ServerMessage::refused(RefusalCode::ContentMismatch),
        ServerMessage::Authenticated {
            account: AccountId(9),
        },
        ServerMessage::ClientIdAssigned {
            client: ClientId(1 << 40),
        },
        loaded(None),
        loaded(Some(station)),
        ServerMessage::InputsSubscribed {},
        ServerMessage::EntitySpawned {
            grid: GridId(7),
            system: SystemId(7),
            entity: ship,
            tick,
        },
        ServerMessage::GridLeft {
            grid: GridId(7),
            reason: DepartureReason::Jumped,
        },
        ServerMessage::Docked { station, tick },
        result(None),
        result(Some(RejectCode::GateOutOfRange)),
        ServerMessage::Departed {
            entity: ship,
            reason: DepartureReason::Destroyed,
        },
        ServerMessage::Names {
            names: vec![
                (CharacterId(42), "Ada".to_owned()),
                (CharacterId(43), "Łukasz".to_owned()),
            ],
        },
        ServerMessage::Dilation {
            per_mille: 250,
            from_tick: tick,
        },
        ServerMessage::Notice {
            severity: Severity::Warning,
            text: "The server restarts at noon.".to_owned(),
        },
        ServerMessage::Draining { seconds: 300 },
    ];
    messages.extend(value::server_messages());
    messages.extend(combat::server_messages());
    messages
}

#[test]
fn client_messages_are_what_they_always_were() {
    let render = |bytes: &[u8], text: &mut String| {
        writeln!(text, "{:?}", ClientMessage::decode(&frame(bytes)).unwrap()).unwrap();
    };
    let made: Vec<_> = client_messages()
        .iter()
        .map(ClientMessage::to_frame)
        .collect();
    let golden = check("client_messages.hex", "frame", render);
    compare("client_messages.hex", "frame", &golden, &made, render);
}

#[test]
fn server_messages_are_what_they_always_were() {
    let render = |bytes: &[u8], text: &mut String| {
        writeln!(text, "{:?}", ServerMessage::decode(&frame(bytes)).unwrap()).unwrap();
    };
    let made: Vec<_> = server_messages()
        .iter()
        .map(ServerMessage::to_frame)
        .collect();
    let golden = check("server_messages.hex", "frame", render);
    compare("server_messages.hex", "frame", &golden, &made, render);
}

/// What earlier versions wrote is read for ever: fields that they did not know are missing.
#[test]
fn messages_of_earlier_versions_are_read() {
    let golden = check("earlier_messages.hex", "server", |bytes, text| {
        writeln!(text, "{:?}", ServerMessage::decode(&frame(bytes)).unwrap()).unwrap();
    });
    assert!(golden.len() >= 2, "{} frames", golden.len());
}

fn inputs() -> Vec<Vec<u8>> {
    let input = |sequence| FlyInput {
        sequence,
        direction: [0, -16_384, 300],
        throttle: 750,
    };
    let ack = SnapshotAck {
        epoch: 3,
        tick: Tick(123_456_789),
        mask: 0x8000_002a,
    };
    let datagrams = [
        InputDatagram::new(1, None, &[]),
        InputDatagram::new(2, Some(ack), &[]),
        InputDatagram::new(3, None, &[input(1)]),
        InputDatagram::new(u32::MAX, Some(ack), &[input(9), input(8), input(7)]),
    ];
    datagrams
        .iter()
        .map(|datagram| {
            let mut bytes = Vec::new();
            datagram.encode(&mut bytes);
            bytes
        })
        .collect()
}

#[test]
fn input_datagrams_are_what_they_always_were() {
    let render = |bytes: &[u8], text: &mut String| {
        let datagram = InputDatagram::decode(bytes).unwrap();
        writeln!(text, "sequence {}", datagram.sequence).unwrap();
        if let Some(ack) = datagram.acknowledgement {
            writeln!(text, "ack {ack:?}").unwrap();
        }
        for input in datagram.inputs() {
            writeln!(text, "input {input:?}").unwrap();
        }
    };
    let golden = check("input_datagrams.hex", "datagram", render);
    compare(
        "input_datagrams.hex",
        "datagram",
        &golden,
        &inputs(),
        render,
    );
}

/// Applies a snapshot and says what is known afterwards.
fn apply(replica: &mut Replica, bytes: &[u8], text: &mut String) {
    match replica.decode(bytes) {
        Err(error) => writeln!(text, "refused {error:?}").unwrap(),
        Ok(applied) => {
            writeln!(text, "{applied:?}").unwrap();
            let ack = replica.acknowledgement().unwrap();
            writeln!(text, "ack tick {} mask {:032b}", ack.tick, ack.mask).unwrap();
            for entity in replica.entities() {
                let motion = entity.motion();
                let how = if replica.is_exact(entity) {
                    "exact"
                } else {
                    "carried"
                };
                writeln!(
                    text,
                    "{how} slot {} id {:#x} type {} owner {} p {:?} v {:?} t {:?} r {} vitals {:?} activity {:#04x}",
                    entity.slot,
                    entity.id.0,
                    entity.type_id,
                    entity.owner,
                    motion.position_cm,
                    motion.velocity,
                    motion.target_velocity,
                    motion.response,
                    entity.vitals(),
                    entity.activity(),
                )
                .unwrap();
            }
        }
    }
}

/// The story, and then what must be refused.
fn snapshots() -> Vec<Vec<u8>> {
    let mut datagrams = scenario::datagrams();
    let last = datagrams.last().unwrap().clone();
    let altered = |at: usize, value: u8| {
        let mut bytes = last.clone();
        bytes[at] = value;
        bytes
    };
    let refused = [
        // Again, and one of the grid before.
        last.clone(),
        datagrams[20].clone(),
        // Another layout, another kind, another epoch that has not begun.
        altered(0, 2),
        altered(1, 1),
        altered(2, 9),
        // Cut off, and nothing at all.
        last[..4].to_vec(),
        Vec::new(),
    ];
    datagrams.extend(refused);
    datagrams
}

#[test]
fn snapshots_are_what_they_always_were() {
    let mut replica = Replica::new();
    let golden = check("snapshots.hex", "datagram", |bytes, text| {
        apply(&mut replica, bytes, text);
    });
    let mut replica = Replica::new();
    compare(
        "snapshots.hex",
        "datagram",
        &golden,
        &snapshots(),
        |bytes, text| {
            apply(&mut replica, bytes, text);
        },
    );
}

#[test]
fn what_is_not_a_message_is_refused() {
    // One line each: which decoder, the bytes, and the error.
    let render = |line: &str| -> String {
        let (decoder, text) = line.split_once(' ').unwrap();
        let bytes = unhex(text);
        match decoder {
            "stream" => {
                let mut frames = FrameDecoder::new();
                frames.push(&bytes);
                format!("{:?}", frames.poll().unwrap_err())
            }
            "client" => format!("{:?}", ClientMessage::decode(&bytes).unwrap_err()),
            "server" => format!("{:?}", ServerMessage::decode(&bytes).unwrap_err()),
            "input" => format!("{:?}", InputDatagram::decode(&bytes).unwrap_err()),
            "snapshot" => format!("{:?}", Replica::new().decode(&bytes).unwrap_err()),
            other => panic!("no decoder {other}"),
        }
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/refused.hex");
    let golden = fs::read_to_string(path).unwrap();
    let lines = golden
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut count = 0;
    for line in lines {
        let (input, expected) = line.split_once(" => ").unwrap();
        assert_eq!(render(input), expected, "{input}");
        count += 1;
    }
    assert!(count >= 20, "{count} lines");
}
