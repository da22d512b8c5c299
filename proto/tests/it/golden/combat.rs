//! The messages about fights.

use orrery_base::command::Command;
use orrery_base::{CharacterId, EntityId, SystemId, Tick, TypeId};
use orrery_proto::message::combat::{Hit, Killer, LockState, ModuleStatus};
use orrery_proto::message::{ClientMessage, ServerMessage};

use super::REQUEST;

pub(super) fn client_messages() -> Vec<ClientMessage> {
    let target = EntityId::minted(300);
    let commands = [
        Command::Lock { target },
        Command::Unlock { target },
        Command::Activate {
            slot: 2,
            target: Some(target),
        },
        Command::Activate {
            slot: 31,
            target: None,
        },
        Command::Deactivate { slot: 8 },
    ];
    let message = |(index, command): (usize, Command)| ClientMessage::Command {
        sequence: index as u32 + 300,
        request: REQUEST,
        command: Some(command.into()),
    };
    commands.into_iter().enumerate().map(message).collect()
}

pub(super) fn server_messages() -> Vec<ServerMessage> {
    let (tick, other) = (Tick(123_456_789), EntityId::minted(300));
    vec![
        ServerMessage::ShipStatus {
            tick,
            capacitor_tick: Tick(123_456_700),
            capacitor: 383_999,
            capacitor_most: 384_000,
            capacitor_tau_ms: 44_000,
            max_speed: 16_384_000,
            disruption: 2_000,
            is_jammed: true,
            locks: vec![LockState {
                target: other,
                since: Tick(123_456_600),
                done: Tick(123_456_650),
            }],
            modules: vec![
                ModuleStatus {
                    slot: 0,
                    module: TypeId(6_001),
                    charge: TypeId(7_001),
                    charges: 80,
                    flags: 1,
                    target: Some(other),
                    start: Tick(123_456_700),
                    end: Tick(123_456_805),
                },
                ModuleStatus {
                    slot: 8,
                    module: TypeId(6_054),
                    charge: TypeId(0),
                    charges: 0,
                    flags: 0,
                    target: None,
                    start: Tick(0),
                    end: Tick(0),
                },
            ],
        },
        ServerMessage::Damage {
            tick,
            hits: vec![Hit {
                other,
                is_dealt: true,
                slot: 2,
                shield: 123,
                armour: 45,
                hull: 0,
                quality: 1_490,
            }],
        },
        ServerMessage::KillReport {
            report: REQUEST,
            tick,
            system: SystemId(7),
            victim: CharacterId(42),
            hull: TypeId(1_101),
            final_blow: CharacterId(43),
            killers: vec![Killer {
                character: CharacterId(43),
                hull: TypeId(1_201),
                damage: 1_170,
            }],
        },
    ]
}
