//! How long the lab itself needs to serve a large fleet page by page. `MUSTER_LAB_COMPUTERS` sets the number.

use std::time::{Duration, Instant};

use muster_lab::fleet::{Fleet, Generate, System};
use muster_lab::journal::Entry;
use muster_lab::{Lab, Options};
use serde_json::{Value, json};

use crate::support::{extension, send};

/// How long the lab has worked on requests since so many, by its own journal.
fn worked(lab: &Lab, since: &mut usize) -> Duration {
    let journal = lab.journal();
    let micros = journal.iter().skip(*since).map(|line| match &line.entry {
        Entry::Request { micros, .. } => *micros,
        _ => 0,
    });
    let micros = micros.sum();
    *since = journal.len();
    Duration::from_micros(micros)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_fleet_is_served_page_by_page_and_whole() {
    let count: u32 =
        std::env::var("MUSTER_LAB_COMPUTERS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let begun = Instant::now();
    let generate = Generate { companies: 50, ..Generate::of(count, 3) };
    let fleet = Fleet { generate: Some(generate), ..Fleet::default() };
    let lab = Lab::start(fleet, Options::default()).await.expect("a lab");
    println!("{count} computers made in {:?}", begun.elapsed());

    let mut since = 0;
    let url = lab.url(System::Automate);
    let body = r#"{"UserName":"lab","Password":"lab-automate-password"}"#;
    let token = send(&url, "POST", "/cwa/api/v1/apitoken", &[], body).expect("an answer").json();
    let bearer = format!("Bearer {}", token["AccessToken"].as_str().expect("a token"));
    let headers = [("Authorization", bearer.as_str()), ("ClientId", "2c1e2a3b-5d4c-4f6e-8a90-1b2c3d4e5f60")];
    let (mut found, mut pages) = (0, 0);
    loop {
        pages += 1;
        let path = format!("/cwa/api/v1/Computers?pageSize=1000&page={pages}");
        let answer = send(&url, "GET", &path, &headers, "").expect("an answer");
        if answer.body == b"[]" {
            break;
        }
        found += answer.body.windows(15).filter(|window| window == b"\"ComputerName\":").count();
    }
    println!("Automate: {pages} pages in {:?} of work", worked(&lab, &mut since));
    assert_eq!(found, count as usize);

    let url = lab.url(System::Rmm);
    let key = json!({"grant_type": "client_credentials", "client_id": "0e30lab-client", "client_secret": "lab-rmm-secret"});
    let json_ = ("Content-Type", "application/json");
    let token = send(&url, "POST", "/v1/token", &[json_], &key.to_string()).expect("an answer").json();
    let bearer = format!("Bearer {}", token["access_token"].as_str().expect("a token"));
    let headers = [json_, ("Authorization", bearer.as_str())];
    let companies =
        send(&url, "GET", "/api/platform/v1/company/companies", &headers, "").expect("an answer").json();
    let ids: Vec<&Value> = companies.as_array().expect("a list").iter().map(|one| &one["id"]).collect();
    let body = json!({"resourceType": "company", "resources": ids}).to_string();
    let mut path = "/api/platform/v2/device/categories/all/endpoints?limit=500".to_owned();
    let (mut found, mut pages) = (0, 0);
    loop {
        pages += 1;
        let answer = send(&url, "POST", &path, &headers, &body).expect("an answer");
        found += answer.body.windows(13).filter(|window| window == b"\"endpointID\":").count();
        let Some(link) = answer.header("link") else { break };
        path = link
            .split(['<', '>'])
            .nth(1)
            .and_then(|next| next.strip_prefix(url.as_str()))
            .expect("a link")
            .to_owned();
    }
    println!("RMM: {pages} pages in {:?} of work", worked(&lab, &mut since));
    assert_eq!(found, count as usize);

    let url = lab.url(System::Control);
    let answer =
        extension(&url, "GetSessionsByFilter", &json!(["SessionType = 'Access'"])).expect("an answer");
    println!("Control: {} bytes in {:?} of work", answer.body.len(), worked(&lab, &mut since));
    assert_eq!(answer.body.windows(12).filter(|window| window == b"\"SessionID\":").count(), count as usize);
}
