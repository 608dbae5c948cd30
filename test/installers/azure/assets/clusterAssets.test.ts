/** What the program made, read: nothing is taken that isn't what it must be, and no error quotes a file. */
import { describe, expect, it } from "vitest";
import {
  AssetsDamagedError,
  clusterAssets,
  imageStreamPath,
} from "../../../../src/installers/azure/assets/clusterAssets.ts";

const imageUrl =
  "https://rhcos.blob.core.windows.net/imagebucket/rhcos-416.94.202406172220-0-azure.x86_64.vhd";

function stream(url: unknown): string {
  return JSON.stringify({
    stream: "rhcos-4.16",
    architectures: {
      aarch64: {},
      x86_64: { "rhel-coreos-extensions": { "azure-disk": { release: "416", url } } },
    },
  });
}

const good: Readonly<Record<string, string>> = {
  "metadata.json": '{"clusterName":"shop","infraID":"shop-abcdefgh-x7k2p"}',
  "bootstrap.ign": '{"ignition":{"version":"3.2.0"},"storage":{}}',
  "master.ign": '{"ignition":{"version":"3.2.0"}}',
  "worker.ign": '{"ignition":{"version":"3.2.0"}}',
  "auth/kubeconfig": "clusters: []\n",
  "auth/kubeadmin-password": "aaaaa-bbbbb-ccccc-ddddd",
  [imageStreamPath]: stream(imageUrl),
};

function filesWith(changed: Readonly<Record<string, string | Uint8Array | undefined>>) {
  const files = new Map<string, Uint8Array>();
  for (const [path, content] of Object.entries({ ...good, ...changed })) {
    if (content !== undefined) files.set(path, Buffer.from(content));
  }
  return files;
}

describe("cluster assets", () => {
  it("are read from the files, which all stay", () => {
    const files = filesWith({});
    expect(clusterAssets(files)).toEqual({
      infraId: "shop-abcdefgh-x7k2p",
      imageUrl,
      bootstrapIgnition: good["bootstrap.ign"],
      masterIgnition: good["master.ign"],
      adminKubeconfig: good["auth/kubeconfig"],
      kubeadminPassword: "aaaaa-bbbbb-ccccc-ddddd",
      files,
    });
  });

  it("have a password without the line's end that a program may write behind it", () => {
    const files = filesWith({ "auth/kubeadmin-password": "aaaaa-bbbbb\n" });
    expect(clusterAssets(files).kubeadminPassword).toBe("aaaaa-bbbbb");
  });

  it.each(Object.keys(good).filter((path) => path !== "worker.ign"))("need %s", (path) => {
    for (const content of [undefined, "", Buffer.from([0xff, 0xfe, 0x00])]) {
      expect(() => clusterAssets(filesWith({ [path]: content }))).toThrow(AssetsDamagedError);
    }
  });

  it.each<[string, string]>([
    ["metadata.json", "hunter2"],
    ["metadata.json", '{"infraID":"../hunter2"}'],
    ["metadata.json", '{"infraID":"hunter2-with-more-than-27-characters"}'],
    ["metadata.json", '{"infraID":2}'],
    ["bootstrap.ign", '{"hunter2":{}}'],
    ["master.ign", `{"ignition":{"version":"3.2.0"},"x":"${"hunter2".repeat(10_000)}"}`],
    ["auth/kubeadmin-password", "hunter2".repeat(100)],
    [imageStreamPath, stream("http://hunter2.example/a.vhd")],
    [imageStreamPath, stream("https://hunter2.example/a.qcow2")],
    [imageStreamPath, stream(undefined)],
    [imageStreamPath, '{"architectures":{"hunter2":{}}}'],
  ])("aren't taken from a %s that holds %s, which is not quoted", (path, content) => {
    let error: unknown;
    try {
      clusterAssets(filesWith({ [path]: content }));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AssetsDamagedError);
    expect(String(error)).not.toContain("hunter2");
  });
});
