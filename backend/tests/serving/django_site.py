"""A Django project as `startproject` and `startapp` make it, with a model, migrated, and somebody who may sign in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MODELS = """
from django.db import models

class Photo(models.Model):
    user = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    topic = models.IntegerField(default=1)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.title
"""
ADMIN = """
from django.contrib import admin
from .models import Photo

admin.site.register(Photo)
"""
VIEWS = """
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

WORD = "first"

def where(request):
    return JsonResponse({"path": request.path, "info": request.path_info, "uri": request.build_absolute_uri(),
                         "secure": request.is_secure(), "word": WORD})

def stream(request):
    return StreamingHttpResponse(f"{number}\\n" for number in range(3))

def file(request):
    return FileResponse(open(__file__, "rb"))

@csrf_exempt
def upload(request):
    given = request.FILES["file"]
    return HttpResponse(f"{given.name} {given.size}")
"""
URLS = """
from django.contrib import admin
from django.urls import path
from photos import views

urlpatterns = [
    path("admin/", admin.site.urls), path("where", views.where), path("stream", views.stream),
    path("file", views.file), path("upload", views.upload),
]
"""


class DjangoSite:
    """The project in a folder. Made once for the tests that need it; removed with the folder."""

    def __init__(self, folder: Path, name: str = "mydjangoapp") -> None:
        self.root = folder / name
        self.name = name
        self.root.mkdir(parents=True)
        self._run("-m", "django", "startproject", name, ".")
        self.manage("startapp", "photos")
        (self.root / "photos" / "models.py").write_text(MODELS)
        (self.root / "photos" / "admin.py").write_text(ADMIN)
        (self.root / "photos" / "views.py").write_text(VIEWS)
        (self.root / name / "urls.py").write_text(URLS)
        settings = self.root / name / "settings.py"
        text = settings.read_text().replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'photos',")
        settings.write_text(text.replace("ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['*']"))
        self.manage("makemigrations", "-v0", "photos")
        self.manage("migrate", "-v0")
        self.manage("createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.com")

    def manage(self, *arguments: str) -> str:
        """Run manage.py and return what it prints."""
        return self._run("manage.py", *arguments)

    def _run(self, *arguments: str) -> str:
        environment = {**os.environ, "DJANGO_SUPERUSER_PASSWORD": "a long password"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
