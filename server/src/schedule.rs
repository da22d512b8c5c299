//! The one ordered list of what happens in a beat of a grid, and the join of the kernel and the
//! rules of space.
//!
//! ```text
//! gather    presence::gather     arrivals by (from, sent, sequence), then inputs by (source, sequence):
//!                                enter, leave; commands are put aside for phase B
//! A motion  motion::step         every row, by the integer law of motion
//!           frame::frame         the picture of this beat
//! B interact orders::interact    commands in canonical order: orders, locks, modules; an effect of
//!                                the ship on itself where it changes its place or is answered
//!           fight::interact     locks, missiles, modules: what ships do to others; lost ships
//!           steer::step          orders into target velocities, from the next step on
//! C apply   fight::apply        lost ships: pods and wrecks; blows by (target, source, sequence);
//!                                vitals; what pilots are shown
//!           orders::apply        effects by (target, source, sequence): jump, dock, undock, answers
//!           presence::expire     lingering ships leave space, traces are forgotten
//! ```
//!
//! Adding a system is its file in `game/`, its tests and golden vectors, and one line here, in
//! the list and in the function of its phase (docs/adding-a-system.md).

use std::sync::Arc;

use orrery_base::{EntityId, Tick};
use orrery_game::columns::{Kind, Ship};
use orrery_game::{motion, steer};
use orrery_kernel::codec::{DecodeError, Put as _, Reader};
use orrery_kernel::effects::{EffectBuffer, TargetedEffect};
use orrery_kernel::part::Part;
use orrery_kernel::rules::{BeatContext, Departure, Envelope, Output, Rules, Stamped};

use crate::rules::columns::{Pilot, SpaceColumns, SpaceRow};
use crate::rules::context::SpaceContext;
use crate::rules::fight::{Fight, FightLocal};
use crate::rules::frame::{FrameContacts, SpaceFrame};
use crate::rules::input::{Event, Input, Message};
use crate::rules::{Effect, Scratch, Space, codec, fight, frame, orders, presence};

impl Rules for Space {
    const FORMAT: u32 = codec::FORMAT;

    type Context = SpaceContext;
    type Columns = SpaceColumns;
    type Local = FightLocal;
    type Scratch = Scratch;
    type Frame = SpaceFrame;
    type Input = Input;
    type Effect = Effect;
    type Message = Message;
    type Event = Event;

    fn init(beat: &BeatContext<'_, Self>, part: &mut Part<Self>) {
        for fixture in beat.context.fixtures_of(beat.grid) {
            let (kind, type_id, position_cm): (Kind, _, _) =
                (fixture.kind, fixture.type_id, fixture.position_cm);
            let ship = Ship::fixed(kind, type_id, position_cm, Tick(0));
            part.spawn(
                fixture.entity,
                SpaceRow {
                    ship,
                    pilot: Pilot::default(),
                    fight: Fight::default(),
                },
            );
        }
    }

    fn route_input(input: &Input) -> Option<EntityId> {
        match input {
            Input::Enter { row, .. } => Some(row.ship.entity),
            Input::Leave { ship, .. } | Input::Command { ship, .. } => Some(*ship),
            Input::Fault => None,
        }
    }

    fn route_message(message: &Message) -> Option<EntityId> {
        match message {
            Message::Arrive { ship, .. } => Some(*ship),
        }
    }

    fn gather(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        inputs: &[Stamped<Input>],
        arrivals: &[Envelope<Message>],
        out: &mut Output<Self>,
    ) {
        presence::gather(beat, part, inputs, arrivals, out);
    }

    fn motion(beat: &BeatContext<'_, Self>, part: &mut Part<Self>) {
        motion::step(beat.tick, &mut part.table.columns_mut().ship);
    }

    fn frame(
        beat: &BeatContext<'_, Self>,
        part: &Part<Self>,
        departures: &[Departure],
        recycled: Option<SpaceFrame>,
    ) -> SpaceFrame {
        frame::frame(beat, part, departures, recycled)
    }

    fn interact(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        frames: &[Arc<SpaceFrame>],
        effects: &mut EffectBuffer<Effect>,
    ) {
        let contacts = FrameContacts::new(frames, beat.context, beat.grid);
        orders::interact(beat, part, &contacts, effects);
        fight::interact(beat, part, &contacts, effects);
        let (ids, columns) = part.table.split_mut();
        steer::step(
            beat.tick,
            ids,
            &mut columns.ship,
            &beat.context.content,
            &contacts,
        );
    }

    fn apply(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        effects: &[TargetedEffect<Effect>],
        out: &mut Output<Self>,
    ) {
        fight::apply(beat, part, effects, out);
        orders::apply(beat, part, effects, out);
        presence::expire(beat, part, out);
    }

    /// A grid with stations and gates alone changes nothing by itself.
    fn idle(part: &Part<Self>) -> bool {
        part.table
            .columns()
            .ship
            .kind
            .iter()
            .all(|&kind| kind != Kind::Ship as u8 && kind != Kind::Wreck as u8)
    }

    fn digest_row(part: &Part<Self>, row: usize) -> u64 {
        codec::digest_row(part.table.columns(), row)
    }

    fn digest_local(local: &FightLocal) -> u64 {
        local.serial
    }

    fn encode_row(part: &Part<Self>, row: usize, bytes: &mut Vec<u8>) {
        use orrery_base::columns::Columns as _;
        codec::encode_row(&part.table.columns().row(row), bytes);
    }

    fn decode_row(context: &SpaceContext, bytes: &mut Reader<'_>) -> Result<SpaceRow, DecodeError> {
        let mut row = codec::decode_row(bytes)?;
        if row.fight.derive(&context.content, Tick(0)) {
            Ok(row)
        } else {
            Err(DecodeError::Invalid("hull"))
        }
    }

    fn encode_local(local: &FightLocal, bytes: &mut Vec<u8>) {
        bytes.put_u64(local.serial);
    }

    fn decode_local(_: &SpaceContext, bytes: &mut Reader<'_>) -> Result<FightLocal, DecodeError> {
        let serial = bytes.u64()?;
        Ok(FightLocal { serial })
    }

    fn encode_input(input: &Input, bytes: &mut Vec<u8>) {
        codec::encode_input(input, bytes);
    }

    fn decode_input(bytes: &mut Reader<'_>) -> Result<Input, DecodeError> {
        codec::decode_input(bytes)
    }

    fn encode_message(message: &Message, bytes: &mut Vec<u8>) {
        codec::encode_message(message, bytes);
    }

    fn decode_message(bytes: &mut Reader<'_>) -> Result<Message, DecodeError> {
        codec::decode_message(bytes)
    }
}
