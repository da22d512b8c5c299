//! Commands and queries about value, from the client's library over the wire and back.

use orrery_base::command::{Command, RejectCode};
use orrery_base::value::query::{ItemPlace, ValueQuery};
use orrery_base::value::{ItemId, Place, RequestId, ValueCommand};
use orrery_client::player::Player;
use orrery_proto::message::{Reject, ServerMessage};

use crate::players::{Account, block_on, connect, within};
use crate::process::Folder;

/// Answers are awaited without a loss: what was heard meanwhile is heard later, in its order.
#[test]
fn requests_and_queries() {
    let folder = Folder::new(2, 1);
    let server = folder.serve().start();
    let ada = Account::sign_up(&server, "Ada");
    block_on(async {
        let mut player = connect(&ada.ticket(&server)).await.unwrap();
        // The ship is docked: this is refused, and the refusal is heard below.
        let stop = player.command(Command::Stop).await.unwrap();
        let assemble = || ValueCommand::Assemble { item: ItemId(1) };
        let sent = player.value(assemble()).await.unwrap();
        assert!(sent.request.unix_ms().is_some(), "an id of version 7");
        let query = ValueQuery::Inventory {
            place: ItemPlace::Here(Place::Hangar),
            after: ItemId::NONE,
        };
        let views = within("the views", player.ask(query)).await.unwrap();
        assert_eq!(views, Ok(Vec::new()), "there is no economy yet");
        // The same request again: another number on this connection, the same identity.
        let again = player.value_again(sent.request, assemble()).await.unwrap();
        assert_eq!((again.request, again.sequence), (sent.request, stop + 2));
        // Answers out of the order in which they came.
        for sequence in [again.sequence, sent.sequence] {
            let result = within("the result", player.result_of(sequence)).await;
            let code = result.unwrap().map_err(Reject::code);
            assert_eq!(code, Err(Some(RejectCode::NotAvailable)));
        }
        assert_eq!(heard(&mut player, stop).await, Some(RejectCode::Docked));
        let other = player.new_request();
        assert_ne!(other, sent.request);
        assert_ne!(other, RequestId::default());
        player.leave().await;
    });
    server.stop();
}

/// The code that a command was refused with, among all that is heard.
async fn heard(player: &mut Player, command: u32) -> Option<RejectCode> {
    let hear = async {
        loop {
            if let ServerMessage::CommandResult {
                sequence, reject, ..
            } = player.next_message().await.unwrap()
            {
                assert_eq!(sequence, command, "results that were taken are gone");
                return reject.and_then(Reject::code);
            }
        }
    };
    within("the refusal", hear).await
}
