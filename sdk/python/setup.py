"""Makes the stubs in src/loadtest/v1 from the repository's proto files when the package is built.

A source distribution carries the proto files in proto/, so that it builds without the repository.
"""

import pathlib
import shutil
import sys

from setuptools import setup
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).parent
FILES = ["loadtest/v1/measure.proto", "loadtest/v1/load_test.proto", "loadtest/v1/service.proto"]


def proto_folder():
    for folder in (HERE / "proto", HERE.parents[1] / "proto" if len(HERE.resolve().parents) > 1 else HERE):
        if (folder / FILES[0]).exists():
            return folder
    sys.exit(f"no {FILES[0]} in {HERE / 'proto'} or in the repository's proto/")


def make_stubs():
    import grpc_tools
    from grpc_tools import protoc

    source, out = proto_folder(), HERE / "src"
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    code = protoc.main(["protoc", f"-I{source}", f"-I{well_known}", f"--python_out={out}", f"--pyi_out={out}",
                        f"--grpc_python_out={out}", *FILES])
    if code != 0:
        sys.exit("protoc failed")
    (out / "loadtest" / "v1" / "__init__.py").write_text('"""Made from the proto files; see loadtest for what to use."""\n')


class SdistWithProtos(sdist):
    def run(self):
        copy = HERE / "proto"
        fresh = not copy.exists()
        if fresh:
            for name in FILES:
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(HERE.resolve().parents[1] / "proto" / name, copy / name)
        try:
            super().run()
        finally:
            if fresh:
                shutil.rmtree(copy)


# Before setuptools looks for packages: the stubs are one.
make_stubs()
setup(cmdclass={"sdist": SdistWithProtos})
