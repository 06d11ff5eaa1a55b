//! Public clients of Control against the lab, where they are installed: `screenconnect` 0.1.0 (Python) and
//! `connectwise-control-api` 1.0.10 (Node.js, found through `NODE_PATH`).

use std::process::Command;

use muster_lab::fleet::System;

use crate::support::lab;

const SCRIPT: &str = "
import sys, screenconnect
from screenconnect.api import ScreenConnect
from screenconnect.enumerations import SessionType
api = ScreenConnect(sys.argv[1], auth=('lab', 'lab-control-password'))
print(api.server_version)
print(len(api.get_host_session_info(2, ['All Machines'])))
print([group.name for group in api.get_session_groups()][2])
made = api.create_session(SessionType.Support, 'help', True, 'X1', ['Contoso'] + [''] * 7)
report = api.get_session_report(report_type='Session', select_fields=['Name', 'CustomProperty1'], report_filter=\"SessionType = 'Support'\")
print(report)
print([one.name for one in api.get_guest_session_info(session_ids=[made.session_id])])
try:
    ScreenConnect(sys.argv[1], auth=('lab', 'wrong')).get_session_groups()
except screenconnect.error.ScreenConnectError as error:
    print(error)
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_client_lists_makes_and_reports() {
    let python = || Command::new("python3");
    let there = python().args(["-c", "import screenconnect.api"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: the Python package screenconnect 0.1.0 is not installed");
        return;
    }
    let lab = lab("computers: [{ name: a }, { name: b }]").await;
    let output = python().args(["-c", SCRIPT, &lab.url(System::Control)]).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "24.2.3.8999",
            "2",
            "All Machines",
            "[{'Name': 'help', 'CustomProperty1': 'Contoso'}]",
            "['help']",
            "Bad or missing credentials provided",
        ]
    );
}

const NODE: &str = "
const [address, password] = process.argv.slice(1);
const control = require('connectwise-control-api')(address, 'lab', password);
(async () => {
  console.log((await control.getSessionGroups()).map(group => group.Name)[2]);
  console.log((await control.getSessions()).length);
  await control.createSessionGroup('Contoso');
  console.log((await control.getSessionGroups()).map(group => group.SessionFilter).includes(\"CustomProperty1='Contoso'\"));
})().catch(error => { console.log('refused', error.statusCode); });
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_that_signs_in_by_the_form_lists_and_makes_groups() {
    let node = || Command::new("node");
    let there = node().args(["-e", "require('connectwise-control-api')"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: the npm package connectwise-control-api 1.0.10 is not installed");
        return;
    }
    let lab = lab("computers: [{ name: a }, { name: b }]").await;
    let run = |password: &str| {
        let output = node().args(["-e", NODE, &lab.url(System::Control), password]).output().expect("node");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(run("lab-control-password"), "All Machines\n2\ntrue\n");
    assert_eq!(run("wrong"), "refused 403\n");
}
