"""Landscapes drawn by the program, so that a fresh gallery is not empty."""

from __future__ import annotations

import io
import math
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter, ImageOps

Colour = tuple[int, int, int]
SKY_SHARE = 0.72  # of the height, down to the horizon's haze


@dataclass(frozen=True)
class Scene:
    """What one landscape shows: colours from top to front, and the light's place as shares of the width and height."""

    title: str
    description: str
    top: Colour
    haze: Colour
    front: Colour
    light: Colour
    light_at: tuple[float, float]
    size: tuple[int, int] = (1200, 800)


SCENES = (
    Scene("Morning over the ridge", "First light, no wind.", (38, 70, 120), (250, 190, 140), (24, 34, 52),
          (255, 240, 210), (0.3, 0.55)),
    Scene("Blue hour", "Ten minutes after sunset.", (10, 18, 54), (110, 130, 190), (8, 12, 30),
          (235, 240, 255), (0.75, 0.25)),
    Scene("Green valley", "Rain had just stopped.", (120, 180, 215), (225, 240, 225), (22, 70, 48),
          (255, 255, 240), (0.55, 0.3), (900, 1200)),
    Scene("Desert evening", "Forty degrees, and not a cloud.", (90, 50, 110), (250, 150, 90), (70, 30, 26),
          (255, 220, 150), (0.6, 0.6)),
    Scene("Winter noon", "Snow to the horizon.", (130, 170, 210), (240, 246, 250), (96, 120, 146),
          (255, 255, 255), (0.4, 0.2)),
    Scene("Rose fog", "The bridge is somewhere in there.", (190, 150, 190), (250, 220, 215), (92, 70, 100),
          (255, 245, 235), (0.2, 0.4), (1000, 1000)),
    Scene("Storm light", "The last dry minute of the walk.", (40, 48, 56), (170, 160, 120), (18, 24, 22),
          (250, 240, 190), (0.85, 0.5)),
    Scene("Lagoon", "Low tide.", (40, 120, 170), (180, 235, 225), (10, 74, 90), (255, 255, 230), (0.5, 0.22)),
    Scene("Copper hills", "Autumn, late.", (70, 90, 110), (230, 180, 120), (84, 44, 24),
          (255, 230, 180), (0.25, 0.35), (800, 1100)),
)  # fmt: skip


def draw(scene: Scene) -> bytes:
    """The scene as a JPEG file; the same scene gives the same picture every time."""
    chance = random.Random(scene.title)  # noqa: S311 - a picture, not a secret
    image = draw_sky(scene)
    draw_light(image, scene)
    for layer in range(5):
        draw_ridge(image, scene, layer / 4, chance)
    target = io.BytesIO()
    image.save(target, "JPEG", quality=86)
    return target.getvalue()


def draw_sky(scene: Scene) -> Image.Image:
    width, height = scene.size
    gradient = Image.linear_gradient("L").resize((width, round(height * SKY_SHARE)))
    image = Image.new("RGB", scene.size, scene.haze)
    image.paste(ImageOps.colorize(gradient, scene.top, scene.haze))
    return image


def draw_light(image: Image.Image, scene: Scene) -> None:
    width, height = scene.size
    x, y, radius = scene.light_at[0] * width, scene.light_at[1] * height, width / 22
    glow = Image.new("L", scene.size)
    ImageDraw.Draw(glow).ellipse((x - radius * 2, y - radius * 2, x + radius * 2, y + radius * 2), fill=110)
    glow = glow.filter(ImageFilter.GaussianBlur(radius))
    ImageDraw.Draw(glow).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    image.paste(scene.light, mask=glow.filter(ImageFilter.GaussianBlur(1.5)))


def draw_ridge(image: Image.Image, scene: Scene, nearness: float, chance: random.Random) -> None:
    """One row of hills, from the haze (nearness 0) to the front (1)."""
    width, height = scene.size
    base, swing = height * (0.56 + 0.34 * nearness), height * 0.07
    waves = [
        (chance.uniform(0.6, 1.4) * swing / octave, octave * chance.uniform(1.2, 2.6), chance.random())
        for octave in range(1, 6)
    ]
    points = [
        (x, base + sum(high * math.sin(math.tau * (x / width * turns + phase)) for high, turns, phase in waves))
        for x in range(0, width + 4, 4)
    ]
    share = 0.25 + 0.75 * nearness
    colour = tuple(round(far + (near - far) * share) for far, near in zip(scene.haze, scene.front, strict=True))
    ImageDraw.Draw(image).polygon([*points, (width, height), (0, height)], fill=colour)
