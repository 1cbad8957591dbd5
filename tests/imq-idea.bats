load lib

# The IDEA object without its random ID.
idea() {
	imq-idea "$@" | jq -r .output | sed -E 's/, "ID": "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"//'
}

@test "idea: an event becomes an object in output, the event stays" {
	run -0 idea <<< '{"feed.name":"F","comment":"c","classification.type":"spam","feed.accuracy":33.3}'
	[ "$output" = '{"Category": ["Abusive.Spam"], "Confidence": 0.33299999999999996, "Description": "F: c", "Format": "IDEA0", "Note": "c"}' ]
	run -0 imq-idea <<< '{"feed.name" : "F"}'
	[[ "$output" == '{"feed.name" : "F","output":"{\"Category\": [\"Other\"], \"Description\": \"F: undetermined\", \"Format\": \"IDEA0\", \"ID\": \"'* ]]
}

@test "idea: source and target have their parts, what they share is in both" {
	run -0 idea <<< '{"classification.type":"c2-server","protocol.transport":"tcp","protocol.application":"http","status":"online","source.asn":64500,"source.account":"a","source.fqdn":"a.example","source.ip":"192.0.2.1","source.local_hostname":"l","source.local_ip":"2001:db8::2","source.port":80,"source.reverse_dns":"r.example","source.tor_node":true,"source.url":"http://a.example/","destination.ip":"2001:db8::1","destination.tor_node":false}'
	[ "$output" = '{"Category": ["Intrusion.Botnet"], "Format": "IDEA0", "Source": [{"ASN": [64500], "Account": ["a"], "Hostname": ["a.example"], "IP4": ["192.0.2.1"], "LocalHostname": ["l"], "LocalIP6": ["2001:db8::2"], "Note": "online", "PTR": ["r.example"], "Port": [80], "Proto": ["tcp", "http"], "Type": ["CC", "Tor"], "URL": ["http://a.example/"]}], "Target": [{"IP6": ["2001:db8::1"], "Note": "online", "Proto": ["tcp", "http"]}]}' ]
}

@test "idea: references, attachments and relations are quoted as in queries" {
	run -0 idea <<< '{"classification.identifier":"a b/ä","event_description.url":"http://d.example/","feed.code":"f","misp.attribute_uuid":"u1","misp.event_uuid":"u2","rtir_id":17,"screenshot_url":"http://s.example/","event_hash":"ABC","malware.hash.md5":"$1$x","malware.hash.sha1":"y","malware.name":"m n","feed.url":"http://f.example/","raw":"w6Q="}'
	[ "$output" = '{"Attach": [{"Hash": ["md5:%241%24x", "sha1:y"], "Ref": ["malware:m+n-"]}, {"Content": "\u00c3\u00a4", "Ref": ["http://f.example/"], "Type": ["OrigData"]}], "Category": ["Other"], "Format": "IDEA0", "Ref": ["malid:a+b%2F%C3%A4", "http://d.example/", "intelmq_feed:f", "misp_attr:u1", "misp_event:u2", "rtir:17", "http://s.example/"], "RelID": "hash:ABC"}' ]
}

@test "idea: the description tries text, comment and type in turn" {
	run -0 idea <<< '{"feed.name":"F","event_description.text":"t","comment":"c"}'
	[[ "$output" == *'"Description": "F: t"'* ]]
	run -0 idea <<< '{"feed.name":"F","classification.type":"scanner"}'
	[[ "$output" == *'"Description": "F: scanner"'* ]]
	run -0 idea <<< '{"comment":"c"}'
	[[ "$output" != *Description* ]]
}

@test "idea: confidence is from 0 to 1" {
	for pair in 0:0 100.0:1 50:0.5 250:1 -3:0; do
		run -0 idea <<< "{\"feed.accuracy\":${pair%:*}}"
		[[ "$output" == *"\"Confidence\": ${pair#*:},"* ]]
	done
}

@test "idea: --test-mode adds the category Test, every type has a category" {
	run -0 idea --test-mode <<< '{"classification.type":"phishing"}'
	[ "$output" = '{"Category": ["Fraud.Phishing", "Test"], "Format": "IDEA0", "Source": [{"Type": ["Phishing"]}]}' ]
	run -0 idea <<< '{"classification.type":"no such"}'
	[ "$output" = '{"Category": ["Other"], "Format": "IDEA0"}' ]
}

@test "idea: of several values each is in the lists" {
	run -0 idea <<< '{"source.ip":["192.0.2.1","2001:db8::1","192.0.2.2"],"source.asn":[1,2]}'
	[[ "$output" == *'"Source": [{"ASN": [1, 2], "IP4": ["192.0.2.1", "192.0.2.2"], "IP6": ["2001:db8::1"]}]}' ]]
}

@test "idea: each event has an ID of its own" {
	for _ in $(seq 300); do echo '{}'; done > events
	run -0 imq-idea events
	[ "$(imq-idea events | jq -r '.output | fromjson.ID' | sort -u | wc -l)" -eq 300 ]
}

@test "idea: an event that has an output is rejected" {
	run -3 --separate-stderr imq-idea <<< '{"output":"1"}'
	[ "$stderr" = 'imq-idea: -:1: output: already there' ]
}

@test "idea: hostile values stay inside of their strings" {
	run -0 idea <<< '{"feed.name":"\"}],\u0000\u001f","comment":"\\","raw":"!!!","source.ip":"x:[{"}'
	jq -e '.Source[0].IP6[0] == "x:[{" and .Note == "\\" and .Description == "\"}],\u0000\u001f: \\"' <<< "$output"
}
