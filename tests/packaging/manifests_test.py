"""The Kubernetes manifests: well-formed, consistent in themselves, and asking of the programs only what these know."""
import glob
import os
import re
import subprocess
import sys
import unittest

import yaml

BIN = os.environ["LOADTEST_BIN"]
SOURCE = os.environ["LOADTEST_SOURCE"]


def documents():
    for path in sorted(glob.glob(SOURCE + "/packaging/kubernetes/*.yaml")):
        with open(path, encoding="utf-8") as file:
            yield from yaml.safe_load_all(file)


def of_kind(kind):
    return [document for document in documents() if document["kind"] == kind]


def containers():
    for deployment in of_kind("Deployment"):
        yield from deployment["spec"]["template"]["spec"]["containers"]


class Manifests(unittest.TestCase):
    def test_the_kinds_are_there(self):
        kinds = sorted(f'{d["apiVersion"]} {d["kind"]} {d["metadata"]["name"]}' for d in documents())
        self.assertEqual(kinds, ["apps/v1 Deployment loadtest-driver", "apps/v1 Deployment loadtest-orchestrator",
                                 "v1 PersistentVolumeClaim loadtest-orchestrator", "v1 Service loadtest-orchestrator"])

    def test_a_deployment_selects_its_own_pods(self):
        for deployment in of_kind("Deployment"):
            self.assertEqual(deployment["spec"]["selector"]["matchLabels"],
                             deployment["spec"]["template"]["metadata"]["labels"])

    def test_the_service_leads_to_ports_of_the_orchestrator(self):
        service = of_kind("Service")[0]["spec"]
        pods = [d for d in of_kind("Deployment") if d["spec"]["template"]["metadata"]["labels"] == service["selector"]]
        self.assertEqual(len(pods), 1)
        ports = {port["name"] for port in pods[0]["spec"]["template"]["spec"]["containers"][0]["ports"]}
        self.assertEqual({port["targetPort"] for port in service["ports"]}, ports)

    def test_every_volume_that_is_mounted_is_there(self):
        for deployment in of_kind("Deployment"):
            pod = deployment["spec"]["template"]["spec"]
            mounted = {mount["name"] for c in pod["containers"] for mount in c.get("volumeMounts", [])}
            self.assertEqual(mounted, {volume["name"] for volume in pod.get("volumes", [])})

    def test_no_container_has_rights_that_it_does_not_need(self):
        for deployment in of_kind("Deployment"):
            pod = deployment["spec"]["template"]["spec"]
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertFalse(pod["automountServiceAccountToken"])
        for container in containers():
            self.assertEqual(container["securityContext"],
                             {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                              "capabilities": {"drop": ["ALL"]}})

    def test_no_pod_gets_variables_of_services_which_the_programs_would_take_for_settings(self):
        name = of_kind("Service")[0]["metadata"]["name"].upper().replace("-", "_")
        for program in ("orchestrator", "driver"):
            done = subprocess.run([f"{BIN}/{program}", "--print_config"], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, f"{name}_SERVICE_HOST": "10.0.0.1"})
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn("enableServiceLinks", done.stderr)
        for deployment in of_kind("Deployment"):
            self.assertIs(deployment["spec"]["template"]["spec"]["enableServiceLinks"], False)

    def test_the_programs_know_the_flags(self):
        for container in containers():
            program, *arguments = container["args"]
            known = subprocess.run([f"{BIN}/{program}", "--help"], capture_output=True, text=True, check=True).stdout
            for argument in arguments:
                if argument.startswith("--"):
                    self.assertRegex(known, rf"{argument}\b")

    def test_the_programs_know_the_settings(self):
        with open(SOURCE + "/docs/configuration.md", encoding="utf-8") as file:
            known = file.read()
        for container in containers():
            for variable in container["env"]:
                if match := re.fullmatch(r"LOADTEST_(ORCHESTRATOR|DRIVER|KAFKA)_(.*)", variable["name"]):
                    self.assertIn(f"{match[1]}.{match[2]}".lower(), known)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
