// Mosquitto's WebSocket listener: an MQTT CONNECT goes out as a binary message, the CONNACK comes back.
// Mosquitto binds that listener to every address, so it runs in a network namespace of its own.

#include "support/programs.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

using iom::test::process;

TEST(Mosquitto, AnswersAnMqttConnectWithAConnack) {
    iom::test::temporary_folder folder;
    // Without a plain listener beside it this release of Mosquitto refuses to start.
    const auto configuration =
        folder.write("mosquitto.conf", "listener 9001\nprotocol websockets\nallow_anonymous true\n"
                                       "listener 1883 127.0.0.1\n"
                                       "persistence false\nlog_dest stderr\nlog_type all\n");
    const auto project = folder.write("mqtt.xml", R"(<project name="mqtt">
  <instance name="broker" module="websocket-client">
    <set name="hostname">127.0.0.1</set>
    <set name="port">9001</set>
    <set name="path">/mqtt</set>
    <set name="subprotocols"><item>mqtt</item></set>
  </instance>
  <rule name="log in">
    <on trigger="broker/ready"/>
    <do action="broker/send-binary">
      <arg name="data">100f00044d5154540402003c0003696f6d</arg><arg name="encoding">hex</arg></do>
  </rule>
  <rule name="answer">
    <on trigger="broker/message-received"/>
    <do action="host/log"><arg name="message">CONNACK ${message} over ${broker/subprotocol}</arg></do>
  </rule>
</project>
)");
    // Without root a user namespace gives the right to make a network namespace.
    const bool root = geteuid() == 0;
    process broker(
        {"unshare", root ? "--net" : "--map-root-user", "--net", "sh", "-c",
         "ip link set lo up && exec \"$(command -v mosquitto || echo /usr/sbin/mosquitto)\" -c \"$0\"",
         configuration.string()});
    broker.wait_line(process::stream::err, "running");

    std::vector<std::string> argv{"nsenter", "--target", std::to_string(broker.pid()), "--net"};
    if (!root) {
        argv.insert(argv.end(), {"--user", "--preserve-credentials"});
    }
    argv.insert(argv.end(), {iom::test::iomhost(), "run", project.string(), "--no-web", "--modules",
                             iom::test::module_folder().string()});
    process host(argv);
    host.wait_line(process::stream::err, "CONNACK 20020000 over mqtt");
    host.signal(SIGTERM);
    EXPECT_EQ(host.wait_exit(), 0);
}

} // namespace
