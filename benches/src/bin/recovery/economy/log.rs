//! The outside log: what traders have asked of a server and what it has told them, as one line of
//! text for each event, in a file of a process that is not killed.
//!
//! ```text
//! L <life>                          a server was started
//! S <actor> <connection> <hex>      a command was sent: the frame of the wire
//! A <actor> <connection> <hex>      a result was heard: the frame of the wire, so with the whole answer
//! E <actor> <connection> <hex>      an event was heard
//! ```
//!
//! A line is written before the command goes out, and before anybody acts on what was heard. What
//! [`Outside`] knows comes from such lines alone; [`read`] makes it from the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use orrery_base::CharacterId;
use orrery_base::command::RejectCode;
use orrery_base::value::{OrderId, RequestId, ValueCommand};
use orrery_proto::message::{ClientMessage, FrameDecoder, ServerMessage, WireCommand};
use orrery_services::custody::Outcome;

/// Who asked, and which request.
pub(crate) type Key = (CharacterId, RequestId);

/// What is known of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    /// What was asked first under this id.
    pub(crate) command: ValueCommand,
    /// How often it was sent.
    pub(crate) sent: u64,
    /// Every different answer that was heard, and how often.
    pub(crate) answers: Vec<(Outcome, u64)>,
}

/// A resting order's fill, as its owner heard of it: units, cents for a unit, units left.
pub(crate) type HeardFill = (u64, i64, u64);

/// All that the log says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Outside {
    /// Every request that was sent.
    pub(crate) requests: BTreeMap<Key, Asked>,
    /// Fills that owners heard of, by life and connection: an owner who changes from one connection
    /// to another may hear of one twice.
    pub(crate) fills: BTreeMap<(CharacterId, OrderId, u32, usize), Vec<HeardFill>>,
    /// Balances that owners heard of.
    pub(crate) balances: Vec<(CharacterId, i64)>,
    /// Commands sent, repeated ones and all.
    pub(crate) sent: u64,
    /// Results heard.
    pub(crate) heard: u64,
    /// Lives begun.
    pub(crate) lives: u32,
}

/// Whether a refusal is of the door: the request was not remembered and may be sent again.
pub(crate) const fn is_of_the_door(code: RejectCode) -> bool {
    matches!(
        code,
        RejectCode::TooManyCommands
            | RejectCode::SequenceReused
            | RejectCode::Draining
            | RejectCode::NotPresent
            | RejectCode::RequestExpired
            | RejectCode::RequestFromFuture
            | RejectCode::ReadOnly
            | RejectCode::Busy
    )
}

impl Asked {
    /// The answer that counts: none if there is none but refusals at the door. Of several, the
    /// first; that there are several is found elsewhere.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.finals().next()
    }

    /// Every different answer that counts.
    pub(crate) fn finals(&self) -> impl Iterator<Item = Outcome> {
        let answers = self.answers.iter().map(|(outcome, _)| *outcome);
        answers.filter(|outcome| !matches!(outcome, Err(code) if is_of_the_door(*code)))
    }
}

impl Outside {
    pub(crate) fn sent(&mut self, actor: CharacterId, request: RequestId, command: &ValueCommand) {
        self.sent += 1;
        let asked = self.requests.entry((actor, request));
        let asked = asked.or_insert_with(|| Asked {
            command: command.clone(),
            sent: 0,
            answers: Vec::new(),
        });
        asked.sent += 1;
    }

    /// Takes in what was heard.
    ///
    /// # Errors
    /// An answer to a request that was never sent.
    pub(crate) fn heard(
        &mut self,
        (actor, connection): (CharacterId, usize),
        message: &ServerMessage,
    ) -> anyhow::Result<()> {
        match message {
            ServerMessage::CommandResult {
                request,
                reject,
                answer,
                ..
            } => {
                self.heard += 1;
                let outcome = match reject {
                    None => Ok(*answer),
                    Some(reject) => Err(reject.code().unwrap_or(RejectCode::NotAvailable)),
                };
                let asked = self.requests.get_mut(&(actor, RequestId(*request)));
                let asked = asked.with_context(|| format!("{message:?} answers nothing"))?;
                match asked
                    .answers
                    .iter_mut()
                    .find(|(known, _)| *known == outcome)
                {
                    Some((_, count)) => *count += 1,
                    None => asked.answers.push((outcome, 1)),
                }
            }
            ServerMessage::OrderFilled {
                order,
                quantity,
                price,
                left,
            } => {
                let fills = self.fills.entry((actor, *order, self.lives, connection));
                let fills = fills.or_default();
                fills.push((*quantity, price.0, *left));
            }
            ServerMessage::WalletChanged { balance, .. } => {
                self.balances.push((actor, balance.0));
            }
            _ => {}
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["L", life] => self.lives = life.parse().context("read a life")?,
            [kind @ ("S" | "A" | "E"), actor, connection, hex] => {
                let actor = CharacterId(actor.parse().context("read an actor")?);
                let mut frames = FrameDecoder::new();
                frames.push(&unhex(hex)?);
                let frame = frames.poll().context("find a frame")?;
                let frame = frame.context("the frame is cut")?;
                if kind == "S" {
                    let message = ClientMessage::decode(frame).context("read a command")?;
                    let ClientMessage::Command {
                        request,
                        command: Some(WireCommand::Value(command)),
                        ..
                    } = message
                    else {
                        bail!("{message:?} is no command about value");
                    };
                    self.sent(actor, RequestId(request), &command);
                } else {
                    let message = ServerMessage::decode(frame).context("read what was heard")?;
                    let connection = connection.parse::<usize>().context("read a connection")?;
                    self.heard((actor, connection), &message)?;
                }
            }
            _ => bail!("{line:?} is no line of an outside log"),
        }
        Ok(())
    }
}

/// The log while it is written, and what it says so far.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    path: PathBuf,
    /// What it says.
    pub(crate) outside: Outside,
    /// The first thing that should not have been heard, or that could not be written.
    pub(crate) trouble: Option<String>,
}

impl Log {
    /// A new file.
    ///
    /// # Errors
    /// If it cannot be made, or is there.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::options().create_new(true).append(true).open(path);
        Ok(Self {
            file: file.with_context(|| format!("create {}", path.display()))?,
            path: path.to_owned(),
            outside: Outside::default(),
            trouble: None,
        })
    }

    pub(crate) fn life(&mut self, life: u32) {
        self.outside.lives = life;
        self.write(&format!("L {life}\n"));
    }

    /// Notes a command that is about to be sent.
    pub(crate) fn sent(
        &mut self,
        (actor, connection): (CharacterId, usize),
        request: RequestId,
        command: &ValueCommand,
    ) {
        self.outside.sent(actor, request, command);
        let message = ClientMessage::Command {
            sequence: 0,
            request: request.0,
            command: Some(command.clone().into()),
        };
        let frame = hex(&message.to_frame());
        self.write(&format!("S {} {connection} {frame}\n", actor.0));
    }

    /// Notes what was heard, if it is about value.
    pub(crate) fn heard(
        &mut self,
        (actor, connection): (CharacterId, usize),
        message: &ServerMessage,
    ) {
        let kind = match message {
            ServerMessage::CommandResult { .. } => 'A',
            ServerMessage::OrderFilled { .. } | ServerMessage::WalletChanged { .. } => 'E',
            _ => return,
        };
        if let Err(error) = self.outside.heard((actor, connection), message) {
            self.trouble.get_or_insert(format!("{error:#}"));
        }
        let frame = hex(&message.to_frame());
        self.write(&format!("{kind} {} {connection} {frame}\n", actor.0));
    }

    /// One call of the system for each line: what is written survives this process too.
    fn write(&mut self, line: &str) {
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.trouble
                .get_or_insert(format!("write the outside log: {error}"));
        }
    }

    /// Reads the file again, which has to say what is remembered.
    ///
    /// # Errors
    /// If it says anything else.
    pub(crate) fn reread(&self) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(&self.path).context("read the outside log")?;
        let again = read(&text)?;
        ensure!(again == self.outside, "the outside log says something else");
        Ok(())
    }
}

/// What a log says.
///
/// # Errors
/// If a line is none of a log.
pub(crate) fn read(text: &str) -> anyhow::Result<Outside> {
    let mut outside = Outside::default();
    for line in text.lines() {
        outside.line(line)?;
    }
    Ok(outside)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> anyhow::Result<Vec<u8>> {
    ensure!(text.len().is_multiple_of(2) && text.is_ascii(), "no bytes");
    let bytes = (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16));
    bytes.collect::<Result<_, _>>().context("read bytes")
}
